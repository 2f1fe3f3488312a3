import { useMemo, useState } from "preact/hooks";

import { count, counted, duration, elapsed, NOT_SAID, shortId, UNKNOWN, words } from "../../../shared/page/format.js";
import type { EventQuery, EventRow } from "../../../shared/reader/event-rows.js";
import { row as rowOf } from "../../../shared/reader/events.js";
import { EventFilters, type EventLinks, EventTable } from "../../../shared/view/event-list.js";
import { EventFacts, EventNav, EventText, Fact } from "../../../shared/view/event-parts.js";
import { Pager } from "../../../shared/view/pager.js";
import { SessionTiles } from "../../../shared/view/session-tiles.js";
import { TimelinePanel } from "../../../shared/view/timeline-panel.js";
import { TotalsPanels } from "../../../shared/view/totals-panels.js";
import type { Me, Session as Answer, SessionRow } from "../page/api.js";
import { go, linkTo, place, refine } from "../page/place.js";
import { sessionPath } from "../page/query.js";
import { open, type Opened, type Thread } from "../page/session.js";
import { useData } from "../page/use-data.js";
import { Link } from "./link.js";
import { useMoment } from "./sessions.js";

const PER_PAGE = 100;

export function Session({ me }: { me: Me }) {
  const { session: id, part, event } = place.value;
  const { value: answer, path, isLoading } = useData<Answer>(sessionPath(id));
  const opened = useMemo(() => (answer === undefined ? undefined : open(answer)), [answer]);
  // Another session's events are not this one's.
  const isOther = path !== sessionPath(id);
  return (
    <>
      <p class="back">
        <Link to={{ view: "sessions" }}>← All sessions</Link>
      </p>
      {answer === undefined || opened === undefined || isOther ? (
        isLoading && <p class="hint waiting">Asking the collector…</p>
      ) : (
        <div aria-busy={isLoading}>
          <Head
            session={answer.session}
            me={me}
            unreadable={answer.unreadable_events + opened.unknown}
            leftOut={answer.events_left_out ?? 0}
          />
          <nav class="views" aria-label="Parts of the session">
            <Part to="summary" name="Summary" />
            <Part to="events" name="Events" total={opened.events.length} />
          </nav>
          {part === "summary" ? (
            <Summary opened={opened} />
          ) : event !== null ? (
            <OneEvent opened={opened} number={event} key={event} />
          ) : (
            <EventList opened={opened} />
          )}
        </div>
      )}
    </>
  );
}

function Part({ to, name, total }: { to: "summary" | "events"; name: string; total?: number }) {
  return (
    <a
      href={linkTo({ part: to, event: null })}
      aria-current={place.value.part === to ? "page" : undefined}
      onClick={(click) => {
        if (click.metaKey || click.ctrlKey || click.shiftKey) return;
        click.preventDefault();
        go({ part: to, event: null });
      }}
    >
      {name} {total !== undefined && <span class="count">{count(total)}</span>}
    </a>
  );
}

function Head({
  session,
  me,
  unreadable,
  leftOut,
}: {
  session: SessionRow;
  me: Me;
  unreadable: number;
  leftOut: number;
}) {
  const moment = useMoment(me);
  const { person, team, client, models, repository, thread_id, first_at, last_at } = session;
  return (
    <section class="recording" aria-labelledby="session-title">
      <h2 id="session-title">Session {shortId(thread_id)}</h2>
      <dl class="facts-line">
        <Fact name="From">{moment(first_at)}</Fact>
        <Fact name="To">{moment(last_at)}</Fact>
        {person !== null && <Fact name="Person">{person}</Fact>}
        {team !== null && <Fact name="Team">{team}</Fact>}
        <Fact name="Client">{client ?? NOT_SAID}</Fact>
        <Fact name="Models">{models.join(", ") || NOT_SAID}</Fact>
        <Fact name="Repository">
          {repository === null ? NOT_SAID : <code title={repository}>{repository.slice(0, 12)}</code>}
        </Fact>
        <Fact name="Thread">
          <code>{thread_id}</code>
        </Fact>
      </dl>
      {unreadable > 0 && (
        <p class="hint">{counted(unreadable, "event")} of a later version: kept, and not shown here.</p>
      )}
      {leftOut > 0 && (
        <p class="hint">
          It is a long session: {counted(leftOut, "further event")} in no number and list here. The download has all.
        </p>
      )}
    </section>
  );
}

const eventLinks: EventLinks = {
  link: (event) => linkTo({ part: "events", event }),
  go: (event) => go({ part: "events", event }),
};

function Summary({ opened }: { opened: Opened }) {
  return (
    <>
      <SessionTiles totals={opened.totals} />
      <SessionTimeline opened={opened} />
      {opened.threads.length > 1 && <Threads threads={opened.threads} />}
      <TotalsPanels totals={opened.totals} />
    </>
  );
}

function SessionTimeline({ opened }: { opened: Opened }) {
  const { from, to, thread } = place.value;
  const [width, setWidth] = useState(1000);
  const view = useMemo(() => opened.timeline.view({ from, to, width, thread }), [opened, from, to, width, thread]);
  return (
    <TimelinePanel
      view={view}
      part={{ from, to, thread }}
      threads={opened.events.facets().threads}
      change={(part) => refine(part.thread === undefined ? part : { ...part, page: 0 })}
      events={eventLinks}
      measured={setWidth}
    />
  );
}

/** Agents below who started them. */
function Threads({ threads }: { threads: Thread[] }) {
  return (
    <section class="panel" aria-labelledby="threads-title">
      <h2 id="threads-title">Threads and agents</h2>
      <div class="table-frame" role="region" tabIndex={0} aria-label="Threads, to be scrolled">
        <table class="compact threads">
          <caption class="visually-hidden">Threads, agents below who started them</caption>
          <thead>
            <tr>
              <th scope="col">Thread</th>
              <th scope="col">Started by</th>
              <th scope="col">Model</th>
              <th scope="col" class="number">
                Turns
              </th>
              <th scope="col" class="number">
                Tokens
              </th>
              <th scope="col" class="number">
                Tool calls
              </th>
              <th scope="col" class="number">
                In turns
              </th>
            </tr>
          </thead>
          <tbody>
            {threads.map(({ id, depth, agent, model, totals: { turns, tokens, tools } }) => (
              <tr key={id}>
                <th scope="row" style={{ paddingLeft: `${depth * 20}px` }}>
                  {depth > 0 && (
                    <>
                      <span class="arrow-child" aria-hidden="true">
                        ↳{" "}
                      </span>
                      <span class="visually-hidden">agent of the thread above: </span>
                    </>
                  )}
                  <Link to={{ thread: id, part: "events", event: null, page: 0 }} title={id}>
                    {shortId(id)}
                  </Link>
                </th>
                <td>{depth === 0 && agent === null ? "client" : agent === null ? NOT_SAID : words(agent)}</td>
                <td>{model ?? NOT_SAID}</td>
                <td class="number">{count(turns.completed + turns.failed + turns.interrupted + turns.unknown)}</td>
                <td class="number">{tokens.total.sum === null ? NOT_SAID : count(tokens.total.sum)}</td>
                <td class="number">
                  {count(tools.flatMap(({ outcomes }) => Object.values(outcomes)).reduce((sum, one) => sum + one, 0))}
                </td>
                <td class="number">{turns.duration.sum === null ? NOT_SAID : duration(turns.duration.sum)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function EventList({ opened }: { opened: Opened }) {
  const { search, types, thread, outcome, sort, isDescending, page } = place.value;
  const query: EventQuery = { search, types, thread, outcome, sort, isDescending };
  const found = useMemo(() => opened.events.select(query), [opened, JSON.stringify(query)]);
  const facets = useMemo(() => opened.events.facets(), [opened]);
  const rows: EventRow[] = found.slice(page * PER_PAGE, (page + 1) * PER_PAGE).map(rowOf);
  const change = (changed: Partial<EventQuery>): void => refine({ ...changed, page: 0 });
  const all = opened.events.length;
  return (
    <section aria-labelledby="events-title">
      <h2 id="events-title" class="visually-hidden">
        Events
      </h2>
      <EventFilters query={query} facets={facets} change={change} />
      <div class="results">
        <p role="status">
          {found.length === all ? counted(all, "event") : `${count(found.length)} of ${counted(all, "event")}`}
        </p>
      </div>
      <EventTable
        found={{ rows, total: found.length }}
        first={opened.first}
        query={query}
        change={change}
        events={eventLinks}
      />
      <Pager
        label="Pages of events"
        page={page}
        perPage={PER_PAGE}
        total={found.length}
        go={(to) => go({ page: to })}
      />
    </section>
  );
}

function OneEvent({ opened, number }: { opened: Opened; number: number }) {
  const stored = opened.events.get(number);
  return (
    <section aria-labelledby="event-title" class="event">
      <EventNav
        number={number}
        total={opened.events.length}
        list={linkTo({ event: null })}
        toList={() => go({ event: null })}
        events={eventLinks}
      />
      {stored === undefined ? (
        <p id="event-title">This session has no such event.</p>
      ) : (
        <>
          <EventFacts row={stored} ids={stored.ids}>
            {stored.at === 0 ? UNKNOWN : elapsed(stored.at - opened.first)}
          </EventFacts>
          <EventText title="What was sent" row={stored} json={stored.json} />
        </>
      )}
    </section>
  );
}
