/** One event: where it stands among the others, what it is, and its text. */
import { useEffect, useRef } from "preact/hooks";

import { count, duration } from "../page/format.js";
import type { EventRow } from "../reader/event-rows.js";
import { type EventIds, TYPE_LABELS } from "../reader/kinds.js";
import type { EventLinks } from "./event-list.js";
import { JsonText } from "./json-text.js";
import { Meanings } from "./meanings.js";
import { Outcome } from "./outcome.js";

interface Around {
  number: number;
  total: number;
  /** The address of the list. */
  list: string;
  toList: () => void;
  events: EventLinks;
}

export function EventNav({ number, total, list, toList, events }: Around) {
  return (
    <nav class="event-nav" aria-label="Events around this one">
      <a
        href={list}
        onClick={(click) => {
          click.preventDefault();
          toList();
        }}
      >
        ← All events
      </a>
      <span class="spacer" />
      <button type="button" disabled={number === 0} onClick={() => events.go(number - 1)}>
        Previous
      </button>
      <span>
        {count(number + 1)} of {count(total)}
      </span>
      <button type="button" disabled={number + 1 >= total} onClick={() => events.go(number + 1)}>
        Next
      </button>
    </nav>
  );
}

interface About {
  row: EventRow;
  ids: EventIds;
  /** When it was. */
  children: preact.ComponentChildren;
}

export function EventFacts({ row, ids, children }: About) {
  const title = useRef<HTMLHeadingElement>(null);
  // Who opens an event by the keyboard goes on reading here.
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  return (
    <>
      <h2 id="event-title" ref={title} tabIndex={-1}>
        <span class={`swatch ${row.type}`} aria-hidden="true" />
        {TYPE_LABELS[row.type]} <code>{row.type}</code>
      </h2>
      <dl class="facts-line">
        <Fact name="Came out at">{children}</Fact>
        <Fact name="Outcome">
          <Outcome outcome={row.outcome} isUnknown={row.lacksOutcome} />
        </Fact>
        <Fact name="Duration">{duration(row.duration, row.lacksDuration)}</Fact>
        {ids.thread !== undefined && <Fact name="Thread">{ids.thread}</Fact>}
        {ids.turn !== undefined && <Fact name="Turn">{ids.turn}</Fact>}
        {ids.item !== undefined && <Fact name="Item">{ids.item}</Fact>}
        {ids.review !== undefined && <Fact name="Review">{ids.review}</Fact>}
      </dl>
    </>
  );
}

export function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function EventText({ title, row, json }: { title: string; row: EventRow; json: string }) {
  return (
    <section aria-labelledby="sent-title" class="panel">
      <h3 id="sent-title">{title}</h3>
      <JsonText text={json} label="The event" isFromFile={row.isFromFile} />
      {row.isFromFile && (
        <p class="hint">
          It comes from a rollout: what the file does not say is null here, and means “unknown”, not “no”.
        </p>
      )}
      <Meanings type={row.type} />
    </section>
  );
}
