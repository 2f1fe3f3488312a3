// A stand-in for `turnledger collect`: it serves the built page as that does, and answers in the API's shape.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { native, parsed, recording } from "../support.mjs";
import { PERSONS, reportOf, TEAMS } from "./report.mjs";

const here = dirname(fileURLToPath(import.meta.url));
export const assets = process.env.DASHBOARD_ASSETS ?? join(here, "../../../../native-host/collector/assets");
const NUMBERS = JSON.parse(readFileSync(join(here, "numbers.json"), "utf8"));

/** Word for word what the collector sends. */
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const TYPES = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
};

const USERS = [
  { id: 1, name: "ada", role: "owner", person: null },
  { id: 2, name: "ben", role: "analyst", person: null },
  { id: 3, name: "cleo", role: "viewer", person: null },
  { id: 4, name: "dan", role: "member", person: "dan" },
];

const DAY = 86_400_000;
const NOW = Date.parse("2026-11-29T10:00:00Z");

const GROUPINGS = {
  owner: ["day", "week", "model", "repository", "client", "tool", "tool_kind", "team", "person"],
  analyst: ["day", "week", "model", "repository", "client", "tool", "tool_kind", "team", "person"],
  viewer: ["week", "team", "model", "client", "repository", "tool_kind"],
  member: ["day", "week", "model", "repository", "client", "tool", "tool_kind"],
};

const CHOICES = {
  models: ["gpt-5.3-codex", "gpt-5.5"],
  clients: ["codex_vscode", "zed", "turnledger_recorder"],
  repositories: ["5f0c1d2e3a4b5c6d7e8f90a1b2c3d4e5", "9a8b7c6d5e4f30211a2b3c4d5e6f7081"],
};

function sessionsOf(role) {
  return Array.from({ length: 120 }, (_, index) => {
    const person = PERSONS[index % PERSONS.length];
    const last = NOW - index * 5_400_000;
    return {
      id: `${index % 7}.01a1fc6c-69dd-7bc3-a147-${String(index).padStart(12, "0")}`,
      thread_id: `01a1fc6c-69dd-7bc3-a147-${String(index).padStart(12, "0")}`,
      team: TEAMS[index % TEAMS.length],
      person: role === "analyst" ? `P-${String(index % PERSONS.length).padStart(4, "0")}` : person,
      client: CHOICES.clients[index % 3],
      models: index % 5 === 0 ? CHOICES.models : [CHOICES.models[index % 2]],
      repository: index % 4 === 0 ? null : CHOICES.repositories[index % 2],
      first_at: last - 900_000,
      last_at: last,
      numbers: {
        turns: 1 + (index % 9),
        tokens: index % 6 === 0 ? null : 12_345 * (1 + (index % 11)),
        calls: 3 * (index % 8),
        approvals: index % 3 === 0 ? null : index % 4,
        added_lines: 17 * (index % 13),
        turn_time_ms: 61_000 * (1 + (index % 9)),
      },
    };
  });
}

/** Real sessions: the first has an agent, the second much of everything. */
const RECORDED = ["0.169.0/sub_v1", "0.131.0/mixed_long"];

/**
 * `role` is who is signed in at first, null for nobody. What is set on the result changes what is answered: `isEmpty`, a
 * `refusal` of every question, `isDown`, the weeks that are `withheld`.
 */
export async function serve({ role = "owner", isEmpty = false } = {}) {
  const collector = {
    role,
    isEmpty,
    refusal: null,
    isDown: false,
    asked: [],
    tokens: [],
    users: [],
    withheld: ["2026-W45", "2026-W46"],
  };
  collector.tokens = PERSONS.slice(0, 4).map((person, index) => ({
    id: index + 1,
    person,
    team: index === 3 ? null : TEAMS[index],
    created_at: NOW - 40 * DAY + index * DAY,
    last_used_at: index === 1 ? null : NOW - index * 3_600_000,
    revoked_at: index === 2 ? NOW - DAY : null,
  }));
  collector.users = USERS.map((user) => ({
    ...user,
    created_at: NOW - 20 * DAY,
    last_used_at: null,
    revoked_at: null,
  }));
  const server = createServer((request, response) => void answer(collector, request, response));
  // A test that fails need not close it.
  server.unref();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  collector.url = `http://127.0.0.1:${server.address().port}/`;
  collector.close = () => {
    server.close();
    server.closeAllConnections();
  };
  return collector;
}

async function answer(collector, request, response) {
  const url = new URL(request.url, "http://x");
  if (!url.pathname.startsWith("/api/")) return serveFile(url.pathname, response);
  if (collector.isDown) return request.socket.destroy();
  let text = "";
  for await (const piece of request) text += piece;
  const body = text === "" ? undefined : JSON.parse(text);
  collector.asked.push({ method: request.method, path: url.pathname, search: url.searchParams, body });
  const say = (status, value) => {
    response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
    response.end(value === undefined ? undefined : JSON.stringify(value));
  };
  if (request.method !== "GET" && request.headers["x-turnledger"] !== "1")
    return say(403, { error: "The header X-Turnledger is missing." });
  if (url.pathname === "/api/session" && request.method === "POST") {
    const role = /^tlk_(owner|analyst|viewer|member)$/.exec(body?.key ?? "")?.[1];
    if (role === undefined) return say(401, { error: "No user has this key." });
    collector.role = role;
    return say(204);
  }
  if (collector.role === null) return say(401, { error: "Sign in first." });
  if (collector.refusal !== null && url.pathname !== "/api/me")
    return say(collector.refusal, { error: collector.sentence ?? "" });
  if (url.pathname === "/api/session") {
    collector.role = null;
    return say(204);
  }
  const reply = route(collector, request.method, url, body);
  if (reply?.file !== undefined) {
    response.writeHead(200, { "Content-Type": "application/octet-stream" });
    return response.end(reply.file);
  }
  return reply === undefined ? say(404, { error: "There is no such thing." }) : say(reply.status ?? 200, reply.value);
}

function serveFile(path, response) {
  const name = path === "/" ? "index.html" : /^\/assets\/([\w.]+)$/.exec(path)?.[1];
  try {
    const content = readFileSync(join(assets, name));
    response.writeHead(200, { "Content-Type": TYPES[name.split(".").at(-1)], "Content-Security-Policy": POLICY });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}

function route(collector, method, { pathname: path, searchParams: search }, body) {
  const { role, isEmpty } = collector;
  const isPerson = role === "owner" || role === "analyst";
  const may = { events: role !== "viewer", tokens: role === "owner", persons: isPerson };
  const [, list, id] = /^\/api\/(tokens|users)(?:\/(\d+))?$/.exec(path) ?? [];
  if (list !== undefined) {
    if (!may.tokens) return { status: 403, value: { error: "Only owners see who has access." } };
    return access(collector[list], list, method, id, body);
  }
  const forbidden = { status: 403, value: { error: "Viewers see sums of groups, and no sessions." } };
  switch (path) {
    case "/api/me": {
      const { name, person } = USERS.find((user) => user.role === role);
      return { value: { name, role, person, smallest_group: 5, may, time_zone: "Europe/Berlin" } };
    }
    case "/api/definitions": {
      return { value: { numbers: NUMBERS, groupings: GROUPINGS[role] } };
    }
    case "/api/choices": {
      const none = { teams: [], persons: [], models: [], clients: [], repositories: [] };
      if (isEmpty) return { value: none };
      const persons = role === "analyst" ? PERSONS.map((_, index) => `P-${String(index).padStart(4, "0")}`) : PERSONS;
      return { value: { ...CHOICES, teams: role === "member" ? [] : TEAMS, persons: isPerson ? persons : [] } };
    }
    case "/api/report": {
      const numbers = NUMBERS.filter(({ for_viewers }) => role !== "viewer" || for_viewers);
      return { value: reportOf(search, { role, isEmpty, numbers, withheld: collector.withheld }) };
    }
    case "/api/export": {
      if (search.get("format") === "csv") return { file: `${search.get("by")},turns\na,1\n` };
      return may.events ? { file: native(recording(RECORDED[1])) } : forbidden;
    }
    case "/api/sessions": {
      if (!may.events) return forbidden;
      const wanted = isEmpty
        ? []
        : sessionsOf(role).filter(({ team }) => !search.has("team") || search.getAll("team").includes(team));
      const from = Number(search.get("after") ?? 0);
      const [limit, total] = [Number(search.get("limit")), wanted.length];
      const next = from + limit < total ? String(from + limit) : null;
      return { value: { sessions: wanted.slice(from, from + limit), next, total } };
    }
  }
  const session = /^\/api\/sessions\/(.+)$/.exec(path)?.[1];
  if (session === undefined) return undefined;
  if (!may.events) return forbidden;
  const index = sessionsOf(role).findIndex(({ id }) => id === decodeURIComponent(session));
  if (index < 0) return undefined;
  const events = parsed(native(recording(RECORDED[index % 2]))).map((event) => ({ at: timeOf(event), event }));
  events.push({ at: null, event: { event_type: "codex_of_tomorrow", event_params: {} } });
  return { value: { session: sessionsOf(role)[index], events, unreadable_events: 1 } };
}

function timeOf({ event_params: params }) {
  const seconds = params.completed_at ?? params.created_at;
  return params.completed_at_ms ?? (typeof seconds === "number" ? seconds * 1000 : null);
}

function access(list, name, method, id, body) {
  if (method === "GET") return { value: { [name]: list } };
  if (method === "DELETE") {
    const found = list.find((one) => one.id === Number(id));
    if (found === undefined) return undefined;
    found.revoked_at = NOW;
    return { status: 204 };
  }
  if (list.some((one) => name === "users" && one.name === body.name))
    return { status: 400, value: { error: `There is a user ${body.name} already.` } };
  const made = { id: list.length + 1, ...body, created_at: NOW, last_used_at: null, revoked_at: null };
  list.push(made);
  const secret = name === "tokens" ? { token: "tl_0123456789abcdef" } : { key: "tlk_0123456789abcdef" };
  return { status: 201, value: { id: made.id, ...secret } };
}
