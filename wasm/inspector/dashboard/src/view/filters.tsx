/** The period, and what of it. All of it is in the address. */
import type { Choices, Me } from "../page/api.js";
import { isDay, periodOf, PERIODS } from "../page/period.js";
import { type Filter, FILTERS, go, isFiltered, NO_FILTERS, place } from "../page/place.js";
import { choices } from "../page/state.js";

const NAMES: Readonly<Record<Filter, [one: string, many: string, choice: keyof Choices]>> = {
  team: ["Team", "teams", "teams"],
  person: ["Person", "persons", "persons"],
  model: ["Model", "models", "models"],
  client: ["Client", "clients", "clients"],
  repository: ["Repository", "repositories", "repositories"],
};

/** The hash of a repository is told apart by its beginning. */
export function shown(filter: Filter, value: string): string {
  if (filter === "team" && value === "") return "no team";
  return filter === "repository" ? value.slice(0, 12) : value;
}

export function FilterBar({ me }: { me: Me }) {
  const chosen = FILTERS.flatMap((filter) => place.value[filter].map((value) => [filter, value] as const));
  return (
    <search class="filters panel" aria-label="Period and filters">
      <div class="filter-line">
        <Period me={me} />
        {FILTERS.map((filter) => (
          <Choose key={filter} filter={filter} />
        ))}
        {isFiltered(place.value) && (
          <button type="button" onClick={() => go({ ...NO_FILTERS, after: "" })}>
            Clear filters
          </button>
        )}
      </div>
      {chosen.length > 0 && (
        <ul class="chosen" aria-label="Filters in force">
          {chosen.map(([filter, value]) => (
            <li key={`${filter} ${value}`}>
              <button
                type="button"
                class="chip is-on"
                title={value}
                aria-label={`Remove ${NAMES[filter][0].toLowerCase()} ${value || "none"}`}
                onClick={() => go({ [filter]: place.value[filter].filter((other) => other !== value), after: "" })}
              >
                <span class="count">{NAMES[filter][0]}</span> {shown(filter, value)} <span aria-hidden="true">×</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </search>
  );
}

function Choose({ filter }: { filter: Filter }) {
  const [name, many, key] = NAMES[filter];
  const chosen = place.value[filter];
  const offered = (choices.value?.[key] ?? []).filter((value) => !chosen.includes(value));
  if (offered.length === 0 && chosen.length === 0) return null;
  return (
    <label>
      <span>{name}</span>
      <select
        value=""
        onChange={({ currentTarget }) => {
          const { value } = currentTarget;
          // It goes on saying how many are chosen.
          currentTarget.value = "";
          if (value !== "") go({ [filter]: [...chosen, value], after: "" });
        }}
      >
        <option value="">
          {chosen.length === 0 ? "All" : chosen.length === 1 ? shown(filter, chosen[0]!) : `${chosen.length} ${many}`}
        </option>
        {offered.map((value) => (
          <option key={value} value={value}>
            {chosen.length === 0 ? "" : "+ "}
            {shown(filter, value)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Period({ me }: { me: Me }) {
  const { days } = place.value;
  const { since, until } = periodOf(place.value, me.time_zone);
  const own = (change: { since?: string; until?: string }): void => {
    const wanted = { since, until, ...change };
    // Half of a date is being typed.
    if (!isDay(wanted.since) || !isDay(wanted.until)) return;
    if (wanted.since > wanted.until)
      if (change.since === undefined) wanted.since = wanted.until;
      else wanted.until = wanted.since;
    go({ ...wanted, days: 0, after: "" });
  };
  const isOther = days !== 0 && !PERIODS.some((known) => known === days);
  return (
    <>
      <label>
        <span>Period</span>
        <select
          value={String(days)}
          onChange={({ currentTarget }) => {
            const value = Number(currentTarget.value);
            if (value === 0) own({});
            else go({ days: value, since: "", until: "", after: "" });
          }}
        >
          {isOther && <option value={String(days)}>Last {days} days</option>}
          {PERIODS.map((known) => (
            <option key={known} value={String(known)}>
              Last {known} days
            </option>
          ))}
          <option value="0">From … to …</option>
        </select>
      </label>
      {days === 0 && (
        <>
          <label>
            <span>From</span>
            <input
              type="date"
              value={since}
              max={until}
              onChange={({ currentTarget }) => own({ since: currentTarget.value })}
            />
          </label>
          <label>
            <span>To</span>
            <input
              type="date"
              value={until}
              min={since}
              onChange={({ currentTarget }) => own({ until: currentTarget.value })}
            />
          </label>
        </>
      )}
    </>
  );
}
