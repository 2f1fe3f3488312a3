import { useState } from "preact/hooks";

import { count } from "../../shared/page/format.js";
import { collection, openPicked, sessions } from "../page/collection-state.js";
import { fromDrop } from "../page/picking.js";
import { opened, progress } from "../page/recording-state.js";
import { go, isOfSession, linkTo, view, type ViewName } from "../page/view-state.js";
import { CollectionBar } from "./collection-bar.js";
import { CompareView } from "./compare-view.js";
import { EventView } from "./event-view.js";
import { EventsView } from "./events-view.js";
import { Header } from "./header.js";
import { LossesView } from "./losses-view.js";
import { OverviewView } from "./overview-view.js";
import { RecordingBar } from "./recording-bar.js";
import { SessionView } from "./session-view.js";
import { TrendsView } from "./trends-view.js";

export function App() {
  const [isDropping, setDropping] = useState(false);
  const drop = async (event: DragEvent): Promise<void> => {
    event.preventDefault();
    setDropping(false);
    const items = event.dataTransfer?.items;
    if (items === undefined) return;
    // Have to be asked for before anything is waited for.
    const first = [...items].find(({ kind }) => kind === "file");
    const handle = first?.getAsFileSystemHandle?.().catch(() => null);
    const picking = await fromDrop(items);
    const found = (await handle) ?? null;
    openPicked(picking, found?.kind === "file" ? (found as FileSystemFileHandle) : null);
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
      {collection.value !== null && <CollectionBar />}
      {(collection.value === null || isOfSession(view.value.view)) && <RecordingBar />}
      <Views />
      <main id="main" tabIndex={-1}>
        <Content />
      </main>
      <footer>
        <p>
          Everything happens in this page: it makes no request, and keeps nothing unless you ask it to. Events have ids,
          counts, times and hashes in them; messages have prompts and code in them and are shown to you alone.
        </p>
      </footer>
      {isDropping && <p class="drop-hint">Drop files or a folder to open them</p>}
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
  if (collection.value !== null) {
    if (name === "sessions") return <OverviewView />;
    if (name === "trends") return <TrendsView />;
    if (name === "compare") return <CompareView />;
  }
  if (opened.value === null) return null;
  if (name === "events") return event === null ? <EventsView /> : <EventView number={event} />;
  return name === "discards" ? <LossesView /> : <SessionView />;
}

const LABELS: Readonly<Record<ViewName, string>> = {
  sessions: "Sessions",
  trends: "Trends",
  compare: "Compare",
  session: "Session",
  events: "Events",
  discards: "Discards",
};

/** Those that there is something to show in. */
function available(): ViewName[] {
  const all = Object.keys(LABELS) as ViewName[];
  return all.filter((name) =>
    isOfSession(name) ? opened.value !== null || collection.value === null : collection.value !== null,
  );
}

function Views() {
  const { view: current, event } = view.value;
  const known = progress.value;
  const counts: Partial<Record<ViewName, number>> = { sessions: sessions.value.length };
  if (known !== null) {
    counts.events = known.events;
    counts.discards = known.discards + known.badLines;
  }
  return (
    <nav aria-label="Views" class="views">
      {available().map((name) => (
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
