import { useEffect, useRef } from "preact/hooks";

import { count, duration, elapsed, moment } from "../page/format.js";
import { progress } from "../page/recording-state.js";
import { go, linkTo } from "../page/view-state.js";
import { TYPE_LABELS } from "../reader/kinds.js";
import type { OpenedEvent } from "../reader/protocol.js";
import { JsonText } from "./json-text.js";
import { Meanings } from "./meanings.js";
import { MessageGroups } from "./message-groups.js";
import { Outcome } from "./outcome.js";
import { useAnswer } from "./use-answer.js";

export function EventView({ number }: { number: number }) {
  const event = useAnswer((client) => client.ask("event", number), [number]);
  const total = progress.value?.events ?? 0;
  return (
    <section aria-labelledby="event-title" class="event">
      <nav class="event-nav" aria-label="Events around this one">
        <a
          href={linkTo({ view: "events", event: null })}
          onClick={(click) => {
            click.preventDefault();
            go({ view: "events", event: null });
          }}
        >
          ← All events
        </a>
        <span class="spacer" />
        <button type="button" disabled={number === 0} onClick={() => go({ event: number - 1 })}>
          Previous
        </button>
        <span>
          {count(number + 1)} of {count(total)}
        </span>
        <button type="button" disabled={number + 1 >= total} onClick={() => go({ event: number + 1 })}>
          Next
        </button>
      </nav>
      {event === undefined ? null : event === null || event.row.number !== number ? (
        <p id="event-title">{event === null ? "This recording has no such event." : ""}</p>
      ) : (
        <Opened event={event} key={number} />
      )}
    </section>
  );
}

function Opened({ event }: { event: OpenedEvent }) {
  const { row, ids, json, groups } = event;
  const title = useRef<HTMLHeadingElement>(null);
  const first = progress.value?.span?.[0] ?? 0;
  const kind = progress.value?.kind ?? null;
  // Who opens an event by the keyboard goes on reading here.
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  return (
    <>
      <h2 id="event-title" ref={title} tabIndex={-1}>
        <span class={`swatch ${row.type}`} aria-hidden="true" />
        {TYPE_LABELS[row.type]} <code>{row.type}</code>
      </h2>
      <dl class="facts-line">
        <Fact name="Came out at">
          <span title={moment(row.at)}>{elapsed(row.at - first)}</span>
          {row.line === null ? ", when the session ended" : `, on line ${count(row.line)}`}
        </Fact>
        <Fact name="Outcome">
          <Outcome outcome={row.outcome} isUnknown={row.lacksOutcome} />
        </Fact>
        <Fact name="Duration">{duration(row.duration, row.lacksDuration)}</Fact>
        {ids.thread !== undefined && <Fact name="Thread">{ids.thread}</Fact>}
        {ids.turn !== undefined && <Fact name="Turn">{ids.turn}</Fact>}
        {ids.item !== undefined && <Fact name="Item">{ids.item}</Fact>}
        {ids.review !== undefined && <Fact name="Review">{ids.review}</Fact>}
      </dl>
      <div class="beside">
        <section aria-labelledby="sent-title" class="panel">
          <h3 id="sent-title">What would be sent</h3>
          <JsonText text={json} label="The event" isFromFile={row.isFromFile} />
          {row.isFromFile && (
            <p class="hint">
              It comes from a rollout: what the file does not say is null here, and means “unknown”, not “no”.
            </p>
          )}
          <Meanings type={row.type} />
        </section>
        <section aria-labelledby="messages-title" class="panel">
          <h3 id="messages-title">The {kind === "rollout" ? "lines" : "messages"} that made it</h3>
          <MessageGroups kind={kind} number={row.number} groups={groups} completing={row.message} />
        </section>
      </div>
    </>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
