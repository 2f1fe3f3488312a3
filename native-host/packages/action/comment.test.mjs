// The action's script over a real repository, with a server on this machine in place of GitHub's REST API.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("comment.mjs", import.meta.url));
const program = process.env.TURNLEDGER ?? fileURLToPath(new URL("../../../target/debug/turnledger", import.meta.url));
const MARKER = "<!-- turnledger attribution -->\n";
const TOKEN = "ghs_a-token-that-nobody-may-see";
const KEY = "a key of sixteen bytes, or more";
const REMOTE = "https://github.com/acme/app.git";
// A name that Git allows, and that a shell would run.
const BRANCH = "topic$(touch${IFS}pwned);`id`";

const home = mkdtempSync(join(tmpdir(), "turnledger-action-"));
after(() => rmSync(home, { recursive: true }));
const repository = join(home, "app");
const date = "2026-11-20T12:00:00Z";
const settings = {
  PATH: process.env.PATH, HOME: home, GIT_CONFIG_GLOBAL: "/dev/null", GIT_AUTHOR_NAME: "Ada", GIT_AUTHOR_EMAIL: "ada@example.com",
  GIT_COMMITTER_NAME: "Ada", GIT_COMMITTER_EMAIL: "ada@example.com", GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date,
};
const git = (...words) => execFileSync("git", ["-C", repository, ...words], { encoding: "utf8", env: settings });
const turnledger = (...words) => execFileSync(program, words, { encoding: "utf8", env: settings, stdio: ["ignore", "pipe", "ignore"] });
const write = (name, text) => (writeFileSync(join(home, name), text), join(home, name));

function commit(file, text, title) {
  writeFileSync(join(repository, file), text);
  git("add", ".");
  git("commit", "--quiet", "--message", title);
  return git("rev-parse", "HEAD").trim();
}

execFileSync("git", ["init", "--quiet", "--initial-branch=main", repository], { env: settings });
git("remote", "add", "origin", REMOTE);
const base = commit("app.js", "const first = 1;\n", "Begin");
git("checkout", "--quiet", "-b", BRANCH);
const agents = commit("app.js", "const first = 1;\nconst second = 2;\nconst third = 3;\n", "::error::@team | <!-- hidden -->");
const head = commit("hand.js", "const fourth = 4;\n", "By hand");
git("checkout", "--quiet", "main");
const moved = commit("other.js", "const fifth = 5;\n", "Meanwhile");

const at = String(Date.parse(date) / 1000 - 60);
const fingerprint = (...more) => turnledger("fingerprint", `--repo=${repository}`, `--git=${base}..${agents}`, "--thread=t", `--at=${at}`, ...more);
const events = write("events.jsonl", fingerprint());
const withKey = write("with-key.jsonl", fingerprint(`--key-file=${write("key", KEY)}`));
const markdown = (...more) => turnledger("attribute", "--quiet", `--repo=${repository}`, "--format=markdown", ...more, `${moved}...${head}`);

/** GitHub's issue comments, as a list. `denies` is the status that writes are answered with. */
async function hub(comments = [], denies = undefined) {
  const asked = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request) text += part;
    asked.push(`${request.method} ${request.url}`);
    const answer = (status, value) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    const { pathname, searchParams } = new URL(request.url, "http://github");
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return answer(401, {});
    if (request.method === "GET") {
      const start = (searchParams.get("page") - 1) * searchParams.get("per_page");
      return answer(200, comments.slice(start, start + Number(searchParams.get("per_page"))));
    }
    if (denies !== undefined) return answer(denies, { message: "Resource not accessible by integration" });
    const { body } = JSON.parse(text);
    if (body.length > 65_536) return answer(422, { message: "body is too long" });
    if (request.method === "POST") {
      comments.push({ id: comments.length + 1, user: { login: "github-actions[bot]" }, body });
      return answer(201, comments.at(-1));
    }
    const found = comments.find(({ id }) => pathname === `/repos/acme/app/issues/comments/${id}`);
    found.body = body;
    return answer(200, found);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A test that fails leaves it open.
  server.unref();
  const close = () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  return { comments, asked, url: `http://127.0.0.1:${server.address().port}`, close };
}

/** Runs the script as a step: its exit code, its log, and the job's summary. */
async function step(inputs, url, request = { number: 7, base: { ref: "main", sha: moved }, head: { ref: BRANCH, sha: head } }) {
  const temp = mkdtempSync(join(home, "runner-"));
  const summary = join(temp, "summary");
  writeFileSync(summary, "");
  const variables = { EVENTS: events, REPOSITORY: repository, PROGRAM: program, TOKEN, AUTHOR: "github-actions[bot]", ...inputs };
  const env = Object.fromEntries(Object.entries(variables).map(([name, value]) => [`TURNLEDGER_ACTION_${name}`, value]));
  Object.assign(env, {
    PATH: process.env.PATH, HOME: home, RUNNER_TEMP: temp, GITHUB_STEP_SUMMARY: summary, GITHUB_API_URL: url, GITHUB_REPOSITORY: "acme/app",
    GITHUB_EVENT_PATH: write("event.json", JSON.stringify({ pull_request: request })),
  });
  const child = spawn(process.execPath, [script], { cwd: temp, env });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (log += part));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.ok(![TOKEN, KEY].some((secret) => log.includes(secret)), log);
  assert.deepEqual(readdirSync(temp), ["summary"], "nothing is left behind");
  return { code, log, summary: readFileSync(summary, "utf8") };
}

const report = markdown(`--events=${events}`);

test("the comment is what attribute prints, after the marker; a second run edits it", async () => {
  const { comments, asked, url, close } = await hub();
  assert.match(report, /^\*\*2 of 3 comparable added lines match an agent's \(66\.7 %\)\.\*\*\n/);
  assert.deepEqual(await step({}, url), { code: 0, log: "turnledger: commented\n", summary: "" });
  assert.deepEqual(comments, [{ id: 1, user: { login: "github-actions[bot]" }, body: MARKER + report }]);
  comments[0].body = `${MARKER}of an earlier push`;
  assert.deepEqual(await step({}, url), { code: 0, log: "turnledger: edited the comment\n", summary: "" });
  assert.deepEqual(comments, [{ id: 1, user: { login: "github-actions[bot]" }, body: MARKER + report }]);
  assert.deepEqual(asked, [
    "GET /repos/acme/app/issues/7/comments?per_page=100&page=1",
    "POST /repos/acme/app/issues/7/comments",
    "GET /repos/acme/app/issues/7/comments?per_page=100&page=1",
    "PATCH /repos/acme/app/issues/comments/1",
  ]);
  await close();
});

test("the comment is found on a later page, and another's with the marker is left alone", async () => {
  const others = Array.from({ length: 100 }, (_, at) => ({ id: at + 1, user: { login: "mallory" }, body: `${MARKER}100 %` }));
  const ours = { id: 101, user: { login: "github-actions[bot]" }, body: `${MARKER}old` };
  const { comments, url, close } = await hub([...others, ours]);
  assert.equal((await step({}, url)).log, "turnledger: edited the comment\n");
  assert.deepEqual(comments, [...others, { ...ours, body: MARKER + report }]);
  await close();
});

test("without permission the report goes to the job's summary, and the step succeeds", async () => {
  for (const [inputs, denies, why] of [
    [{}, 403, "GitHub allows no comment (403)"],
    [{}, 404, "GitHub allows no comment (404)"],
    [{ TOKEN: "" }, undefined, "there is no token to comment with"],
  ]) {
    const { comments, url, close } = await hub([], denies);
    const log = `::notice::turnledger: ${why}; the report is in the job's summary\n`;
    assert.deepEqual(await step(inputs, url), { code: 0, log, summary: report });
    assert.deepEqual(comments, []);
    await close();
  }
});

test("a GitHub that fails is an error, and the report is in the summary all the same", async () => {
  const { url, close } = await hub([], 500);
  const fault = (why) => `::error::turnledger: ${why}; the report is in the job's summary\n`;
  assert.deepEqual(await step({}, url), { code: 2, log: fault("GitHub takes no comment (500)"), summary: report });
  assert.deepEqual(await step({ TOKEN: "another" }, url), { code: 2, log: fault("GitHub takes no comment (401)"), summary: report });
  await close();
  assert.deepEqual(await step({}, url), { code: 2, log: fault("GitHub cannot be reached (ECONNREFUSED)"), summary: report });
});

test("a key, a store, rows by model, and a largest share", async () => {
  const { comments, url, close } = await hub();
  assert.equal((await step({ EVENTS: withKey, KEY }, url)).code, 0);
  assert.equal(comments[0].body, MARKER + report);

  const store = join(home, "store.db");
  turnledger("store", "add", `--store=${store}`, events);
  assert.equal((await step({ EVENTS: "", STORE: store, BY: "model" }, url)).code, 0);
  assert.equal(comments[0].body, MARKER + markdown(`--events=${events}`, "--by=model"));

  const { code, log } = await step({ FAIL_OVER: "50" }, url);
  assert.deepEqual([code, comments[0].body], [3, MARKER + report]);
  assert.match(log, /turnledger: edited the comment\n$/);
  await close();
});

test("a report that is too long for a comment is shortened", async () => {
  git("checkout", "--quiet", "--detach", head);
  for (let file = 0; file < 900; file += 1) writeFileSync(join(repository, `file-of-the-pull-request-${file}.js`), `const number = ${file};\n`);
  const long = commit("last.js", "const last = 0;\n", "Nine hundred files");
  git("checkout", "--quiet", "main");
  const request = { number: 7, base: { sha: moved }, head: { sha: long } };
  const said = (...more) => turnledger("attribute", "--quiet", `--repo=${repository}`, `--events=${events}`, "--format=markdown", ...more, `${moved}...${long}`);
  assert.ok(said().length > 65_536);
  for (const denies of [undefined, 403]) {
    const { comments, url, close } = await hub([], denies);
    const { code, summary } = await step({}, url, request);
    const expected = denies === undefined ? [MARKER + said("--by=commit"), ""] : [undefined, said()];
    assert.deepEqual([code, comments[0]?.body, summary], [0, ...expected]);
    await close();
  }
});

test("what cannot be used is said in one line", async () => {
  const url = "http://127.0.0.1:9";
  const line = (why) => ({ code: 2, log: `::error::turnledger: ${why}\n`, summary: "" });
  const sha = "0".repeat(40);
  assert.deepEqual(await step({ EVENTS: "" }, url), line("give one of the inputs `events` and `store`"));
  assert.deepEqual(await step({ STORE: "x" }, url), line("give one of the inputs `events` and `store`"));
  assert.deepEqual(await step({ PROGRAM: "/nowhere" }, url), line("the program `turnledger` cannot be run (ENOENT): see the input `program`"));
  assert.deepEqual(await step({}, url, null), line("the workflow runs for no pull request: use `on: pull_request`"));
  assert.deepEqual(
    await step({}, url, { number: 7, base: { sha: "--help" }, head: { sha } }),
    line("the event of the pull request names no commits"),
  );
  const { code, log } = await step({}, url, { number: 7, base: { sha }, head: { sha: head } });
  const [stop, said, go, last] = log.split("\n");
  assert.equal(code, 2);
  assert.match(stop, /^::stop-commands::[0-9a-f-]{36}$/);
  assert.equal(said, `turnledger: "${sha}...${head}" names no commit`);
  assert.equal(go, `::${stop.slice("::stop-commands::".length)}::`);
  assert.equal(last, "::error::turnledger: nothing can be said of the pull request (exit code 2): its history must be whole (fetch-depth: 0)");
});

test("the action hands every input over as a variable, and no shell reads one", () => {
  const action = readFileSync(new URL("../../../action.yml", import.meta.url), "utf8");
  const [inputs, steps] = action.split("\nruns:\n");
  const names = [...inputs.matchAll(/^  ([a-z-]+):$/gm)].map(([, name]) => name);
  const handed = [...steps.matchAll(/^        TURNLEDGER_ACTION_([A-Z_]+): \$\{\{ inputs\.([a-z-]+)/gm)];
  assert.deepEqual(handed.map(([, , name]) => name), names);
  assert.deepEqual(handed.map(([, variable]) => variable), names.map((name) => name.replace("-", "_").toUpperCase()));
  const read = [...readFileSync(script, "utf8").matchAll(/input\("([A-Z_]+)"\)/g)].map(([, variable]) => variable);
  assert.deepEqual(new Set(read), new Set(handed.map(([, variable]) => variable)));
  assert.deepEqual(steps.match(/run:.*\$\{\{/g), null);
});
