// Reports in the API's shape, with numbers that are made up and always the same.
export const TEAMS = ["core", "editor", "platform"];
export const PERSONS = ["ada", "ben", "cleo", "dan", "eve", "finn"];

const KEYS = {
  team: [...TEAMS, null],
  person: PERSONS,
  model: ["gpt-5.3-codex", "gpt-5.5", null],
  client: ["codex_vscode", "zed", "turnledger_recorder"],
  repository: ["5f0c1d2e3a4b5c6d7e8f90a1b2c3d4e5", "9a8b7c6d5e4f30211a2b3c4d5e6f7081", null],
  tool: Array.from({ length: 45 }, (_, index) => `tool_${index}`),
  tool_kind: ["codex_command_execution_event", "codex_file_change_event", "codex_mcp_tool_call_event"],
};

const DAY = 86_400_000;

function days(since, until) {
  const found = [];
  for (let at = Date.parse(since); at <= Date.parse(until); at += DAY)
    found.push(new Date(at).toISOString().slice(0, 10));
  return found;
}

/** `2026-W47`, as ISO 8601 has it. */
function weekOf(day) {
  const thursday = new Date(Date.parse(day) + (3 - ((new Date(day).getUTCDay() + 6) % 7)) * DAY);
  const first = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  const week = 1 + Math.floor((thursday - first) / DAY / 7);
  return `${thursday.getUTCFullYear()}-W${String(week).padStart(2, "0")}`;
}

/** Everything of a unit of work, `weight` times; what is unknown is null. */
function row(key, weight, numbers, { isUnknown = false } = {}) {
  const turns = 7 * weight;
  const values = {
    sessions: 2 * weight,
    threads: 3 * weight,
    sessions_of_files: weight,
    turns,
    turns_completed: turns - 2 * Math.floor(weight / 3),
    turns_failed: Math.floor(weight / 3),
    turns_interrupted: Math.floor(weight / 3),
    turn_time_ms: 95_000 * turns,
    tokens: 66_000 * turns,
    input_tokens: 61_000 * turns,
    cached_input_tokens: 48_000 * turns,
    output_tokens: 5_000 * turns,
    reasoning_output_tokens: 2_100 * turns,
    cost_usd: null,
    calls: 4 * turns,
    calls_failed: weight,
    calls_rejected: Math.floor(weight / 2),
    calls_interrupted: 0,
    call_failure_rate: turns === 0 ? null : 1 / 28,
    call_time_ms: 31_000 * turns,
    approvals: 3 * weight,
    approvals_refused: Math.floor(weight / 4),
    approvals_aborted: 0,
    approval_wait_median_ms: 8_400,
    approval_wait_p95_ms: 61_000,
    approval_wait_ms: 12_000 * weight,
    automatic_reviews: 0,
    automatic_reviews_refused: 0,
    automatic_review_tokens: 0,
    steers: Math.floor(weight / 2),
    steers_rejected: 0,
    compactions: Math.floor(weight / 5),
    compactions_failed: 0,
    hooks: null,
    hooks_failed: null,
    hooks_blocked: null,
    skills: weight,
    added_lines: 130 * turns,
    deleted_lines: 41 * turns,
  };
  const [said, gaps] = [{}, {}];
  for (const { id, lower_bound } of numbers) {
    said[id] = isUnknown && id.includes("token") ? null : values[id];
    if (lower_bound !== null && id.endsWith("tokens") && weight > 3)
      gaps[id] = { unknown: Math.ceil(turns / 14), of: turns, what: "turns" };
    if (id.startsWith("approvals") && weight > 3) gaps[id] = { unknown: weight, of: 2 * weight, what: "sessions" };
  }
  return {
    key,
    first_at: weight === 0 ? null : 1_795_000_000_000,
    last_at: weight === 0 ? null : 1_795_900_000_000,
    numbers: said,
    gaps,
  };
}

export function reportOf(search, { role, isEmpty, numbers, withheld }) {
  const [since, until, by] = [search.get("since"), search.get("until"), search.get("by")];
  const span = days(since, until);
  // Weekends are quiet.
  const weight = (day) => {
    const [of, number] = [new Date(day).getUTCDay(), Number(day.slice(-2))];
    return isEmpty || of === 0 || of === 6 ? 0 : 2 + ((number * 7) % 11);
  };
  const isViewer = role === "viewer";
  const isAllWithheld = isViewer && span.length < 8;
  const isWeekly = role === "viewer" || span.length > 92;
  const trend = isWeekly
    ? [...new Set(span.map(weekOf))].map((week) => {
        const of = span.filter((day) => weekOf(day) === week);
        return row(
          week,
          of.reduce((sum, day) => sum + weight(day), 0),
          numbers,
        );
      })
    : span.map((day) => row(day, weight(day), numbers, { isUnknown: day.endsWith("13") }));
  const all = span.reduce((sum, day) => sum + weight(day), 0);
  const share = search.has("team") || search.has("person") || search.has("model") ? 0.3 : 1;
  const total = row(null, Math.ceil(all * share), numbers);
  const keys = by === "day" || by === "week" ? null : (KEYS[by] ?? []);
  const grouped = (of) =>
    isEmpty
      ? []
      : of.map((key, index) =>
          row(key, Math.max(1, Math.floor((all * share) / 2 ** (index + 1))), numbers, { isUnknown: key === null }),
        );
  const rows = keys === null ? trend : grouped(keys);
  if (role === "viewer" && keys !== null && rows.length > 0)
    rows.splice(-1, 1, { ...rows.at(-1), key: null, is_rest: true });
  return {
    since,
    until,
    time_zone: "Europe/Berlin",
    by,
    ...(isViewer ? {} : { events: isEmpty ? 0 : Math.ceil(all * share * 91) }),
    total,
    rows,
    trend_by: isWeekly ? "week" : "day",
    trend: isAllWithheld ? [] : trend,
    models: grouped(KEYS.model),
    tool_kinds: grouped(KEYS.tool_kind),
    ...(isViewer
      ? {}
      : { missing: { events_without_time: isEmpty ? 0 : 2, sessions_without_beginning: 0, unreadable_events: 0 } }),
    withheld: isViewer
      ? {
          smallest_group: 5,
          sentence: "Numbers with fewer than 5 persons behind them are added to the row of others, or withheld.",
          weeks: isAllWithheld ? ["2026-W48"] : withheld,
        }
      : null,
  };
}
