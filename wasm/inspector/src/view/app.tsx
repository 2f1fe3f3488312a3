import { useState } from "preact/hooks";

import { view, go, linkTo, type ViewName } from "../page/view-state.js";
import { count } from "../page/format.js";
import { openBlob, opened, progress } from "../page/recording-state.js";
import { EventView } from "./event-view.js";
import { EventsView } from "./events-view.js";
import { Header } from "./header.js";
import { LossesView } from "./losses-view.js";
import { RecordingBar } from "./recording-bar.js";
import { SessionView } from "./session-view.js";

export function App() {
  const [isDropping, setDropping] = useState(false);
  const drop = async (event: DragEvent): Promise<void> => {
    event.preventDefault();
    setDropping(false);
    const [item] = [...(event.dataTransfer?.items ?? [])].filter(({ kind }) => kind === "file");
    const file = item?.getAsFile();
    // Has to be asked for before anything is waited for.
    const handle = item?.getAsFileSystemHandle?.().catch(() => null);
    if (file === null || file === undefined) return;
    const found = (await handle) ?? null;
    openBlob(file, file.name, found?.kind === "file" ? (found as FileSystemFileHandle) : null);
  };
  return (
    <div
      class={isDropping ? "page is-dropping" : "page"}
      onDragOver={(event) => {
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setDropping(false);
      }}
      onDrop={(event) => void drop(event)}
    >
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Header />
      <RecordingBar />
      <Views />
      <main id="main" tabIndex={-1}>
        {opened.value === null ? null : <Content />}
      </main>
      <footer>
        <p>
          Everything happens in this page: it makes no request, and keeps nothing unless you ask it to. Events have ids,
          counts, times and hashes in them; messages have prompts and code in them and are shown to you alone.
        </p>
      </footer>
      {isDropping && <p class="drop-hint">Drop the recording to open it</p>}
    </div>
  );
}

/** The address has the view in it, so that a jump within the page must not replace it. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Content() {
  const { view: name, event } = view.value;
  if (name === "events") return event === null ? <EventsView /> : <EventView number={event} />;
  return name === "discards" ? <LossesView /> : <SessionView />;
}

const LABELS: Readonly<Record<ViewName, string>> = {
  session: "Session",
  events: "Events",
  discards: "Discards",
};

function Views() {
  const { view: current, event } = view.value;
  const known = progress.value;
  const counts: Partial<Record<ViewName, number>> =
    known === null ? {} : { events: known.events, discards: known.discards + known.badLines };
  return (
    <nav aria-label="Views" class="views">
      {(Object.keys(LABELS) as ViewName[]).map((name) => (
        <a
          key={name}
          href={linkTo({ view: name, event: null })}
          aria-current={name === current ? (event === null ? "page" : "true") : undefined}
          onClick={(click) => {
            if (click.metaKey || click.ctrlKey || click.shiftKey) return;
            click.preventDefault();
            go({ view: name, event: null });
          }}
        >
          {LABELS[name]} {counts[name] !== undefined && <span class="count">{count(counts[name])}</span>}
        </a>
      ))}
    </nav>
  );
}
