import { count, elapsed, moment } from "../../shared/page/format.js";
import { EventFacts, EventNav, EventText } from "../../shared/view/event-parts.js";
import { progress } from "../page/recording-state.js";
import { go, linkTo } from "../page/view-state.js";
import type { OpenedEvent } from "../reader/protocol.js";
import { eventLinks } from "./event-links.js";
import { MessageGroups } from "./message-groups.js";
import { useAnswer } from "./use-answer.js";

export function EventView({ number }: { number: number }) {
  const event = useAnswer((client) => client.ask("event", number), [number]);
  return (
    <section aria-labelledby="event-title" class="event">
      <EventNav
        number={number}
        total={progress.value?.events ?? 0}
        list={linkTo({ view: "events", event: null })}
        toList={() => go({ view: "events", event: null })}
        events={eventLinks}
      />
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
  const first = progress.value?.span?.[0] ?? 0;
  const kind = progress.value?.kind ?? null;
  return (
    <>
      <EventFacts row={row} ids={ids}>
        <span title={moment(row.at)}>{elapsed(row.at - first)}</span>
        {row.line === null ? ", when the session ended" : `, on line ${count(row.line)}`}
      </EventFacts>
      <div class="beside">
        <EventText title="What would be sent" row={row} json={json} />
        <section aria-labelledby="messages-title" class="panel">
          <h3 id="messages-title">The {kind === "rollout" ? "lines" : "messages"} that made it</h3>
          <MessageGroups kind={kind} number={row.number} groups={groups} completing={row.message} />
        </section>
      </div>
    </>
  );
}
