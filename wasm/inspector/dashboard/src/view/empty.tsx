/** What there is to do where there is nothing to see. */
import { useEffect } from "preact/hooks";

import type { Choices, Me } from "../page/api.js";
import { isFiltered, NO_FILTERS, place } from "../page/place.js";
import { again } from "../page/state.js";
import { Command } from "./command.js";
import { Link } from "./link.js";

/** Whether nothing has ever arrived. */
export const isNew = (choices: Choices | undefined): boolean =>
  choices !== undefined && choices.models.length + choices.clients.length + choices.repositories.length === 0;

const OFTEN_MS = 4_000;
const SELDOM_MS = 20_000;
/** Who waits this long has gone for a coffee. */
const PATIENCE_MS = 180_000;

/** Asks now and then, as long as somebody looks. */
function usePolling(): void {
  useEffect(() => {
    const began = Date.now();
    let timer: ReturnType<typeof setTimeout>;
    const wait = (): void => {
      timer = setTimeout(
        () => {
          if (document.visibilityState === "visible") again();
          wait();
        },
        Date.now() - began < PATIENCE_MS ? OFTEN_MS : SELDOM_MS,
      );
    };
    wait();
    return () => clearTimeout(timer);
  }, []);
}

export const clientCommand = (file: string): string =>
  `turnledger tap --upload ${location.origin} --token-file ${file} -- codex app-server`;

export function NewCollector({ me }: { me: Me }) {
  usePolling();
  return (
    <section class="panel first-steps" aria-labelledby="first-title">
      <h2 id="first-title">No session has arrived yet</h2>
      {me.may.tokens ? (
        <>
          <p>Two commands bring the first one. On the machine of this collector, make a token; it is shown once:</p>
          <Command text="turnledger collect token add --person NAME --team NAME" name="the command for a token" />
          <p class="hint">
            Or make it here, under <Link to={{ view: "access" }}>Access</Link>.
          </p>
          <p>
            On the developer’s machine, keep the token in a file of its own, and put the tap between editor and Codex:
          </p>
        </>
      ) : (
        <p>With a token from whoever runs this collector, put the tap between your editor and Codex:</p>
      )}
      <Command text={clientCommand("FILE")} name="the command for a client" />
      <p class="hint waiting" role="status">
        Waiting for the first session: it appears here by itself.
      </p>
    </section>
  );
}

export function Nothing() {
  return (
    <section class="panel nothing-here" aria-label="Nothing here">
      <p>Nothing happened in this period{isFiltered(place.value) ? ", with these filters" : ""}.</p>
      <p>
        {isFiltered(place.value) && <Link to={NO_FILTERS}>Clear the filters</Link>}{" "}
        {place.value.days !== 365 && <Link to={{ days: 365, since: "", until: "" }}>Show the last 365 days</Link>}
      </p>
    </section>
  );
}
