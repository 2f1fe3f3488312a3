import { useEffect } from "preact/hooks";

import type { Choices, Definitions, Me } from "../page/api.js";
import { place } from "../page/place.js";
import { choices, choicesPath, definitions, me, troubles } from "../page/state.js";
import { useData } from "../page/use-data.js";
import { Access } from "./access.js";
import { LaterSession } from "./later.js";
import { Messages } from "./messages.js";
import { Overview } from "./overview.js";
import { Sessions } from "./sessions.js";
import { SignIn } from "./sign-in.js";
import { Top } from "./top.js";

const TITLES = { overview: "Overview", sessions: "Sessions", session: "Session", access: "Access" } as const;

export function App() {
  const who = me.value;
  const { view } = place.value;
  useEffect(() => {
    document.title = `${who === null ? "Sign in" : TITLES[view]} – Turnledger`;
  }, [who === null, view]);
  if (who === undefined)
    return (
      <div class="page">
        <main>{troubles.value.size > 0 ? <Messages /> : <p class="hint waiting">Asking the collector…</p>}</main>
      </div>
    );
  if (who === null) return <SignIn />;
  // Somebody else sees other things.
  return <SignedIn who={who} key={who.name} />;
}

function SignedIn({ who }: { who: Me }) {
  const { view } = place.value;
  const known = useData<Definitions>("/api/definitions").value;
  const offered = useData<Choices>(choicesPath.value).value;
  useEffect(() => void (definitions.value = known), [known]);
  useEffect(() => void (choices.value = offered), [offered]);
  return (
    <div class="page">
      <a
        class="skip"
        href="#main"
        onClick={(click) => {
          // The fragment says what is looked at.
          click.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        Skip to the content
      </a>
      <Top me={who} />
      <main id="main" tabIndex={-1}>
        <Messages />
        {view === "overview" && <Overview me={who} />}
        {view === "sessions" && <Sessions me={who} />}
        {view === "session" && <LaterSession me={who} />}
        {view === "access" && <Access me={who} />}
      </main>
      <footer>
        Turnledger counts what coding agents do. No prompt, code, command or path is in any of these numbers.
      </footer>
    </div>
  );
}
