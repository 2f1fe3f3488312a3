/** A session's page has charts that the others do without: it is fetched when it is looked at. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { type Me, Refused } from "../page/api.js";
import { revision, trouble } from "../page/state.js";

type View = typeof import("./session.js").Session;

const view = signal<View | null>(null);
const SCRIPT = "the page of a session";

export function LaterSession({ me }: { me: Me }) {
  const Session = view.value;
  useEffect(() => {
    if (view.value !== null) return;
    import("./session.js").then(
      ({ Session: found }) => {
        trouble(SCRIPT, null);
        view.value = found;
      },
      // It could not be had.
      () => trouble(SCRIPT, new Refused(0, null)),
    );
  }, [revision.value]);
  return Session === null ? <p class="hint waiting">Asking the collector…</p> : <Session me={me} />;
}
