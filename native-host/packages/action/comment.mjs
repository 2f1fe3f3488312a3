// Writes what `turnledger attribute` says of a pull request into one comment of it, or, without permission for that,
// into the job's summary. Node 20 or newer, no packages. The variables are those of action.yml and of the runner.
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { appendFileSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MARKER = "<!-- turnledger attribution -->\n";
// What GitHub takes: characters of a comment, bytes of a summary.
const MOST_OF_A_COMMENT = 65_536;
const MOST_OF_A_SUMMARY = 1_048_576;
const PAGE = 100;

/** What stops the action, as one line. */
class Fault extends Error {}

/** The request was understood and not allowed. */
class NotAllowed extends Fault {}

const input = (name) => process.env[`TURNLEDGER_ACTION_${name}`] ?? "";

/** A variable that every runner sets. */
function variable(name) {
  const value = process.env[name];
  if (!value) throw new Fault(`${name} is not set: run this as a step of a GitHub workflow`);
  return value;
}

/** The pull request that the workflow runs for. Its names are anybody's; its ids and hashes are GitHub's. */
function pullRequest() {
  const request = JSON.parse(readFileSync(variable("GITHUB_EVENT_PATH"), "utf8")).pull_request;
  if (!request) throw new Fault("the workflow runs for no pull request: use `on: pull_request`");
  const { number, base, head } = request;
  for (const { sha } of [base, head]) {
    if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(sha)) throw new Fault("the event of the pull request names no commits");
  }
  if (!Number.isSafeInteger(number)) throw new Fault("the event of the pull request has no number");
  return { number, range: `${base.sha}...${head.sha}` };
}

/** What a program that we run may know: neither the token nor the key. */
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^TURNLEDGER_ACTION_|TOKEN/.test(name)));

/** Runs the program. What it says goes to the log, where the runner takes none of it for a command. */
function turnledger(words, stdout = "pipe") {
  const stdio = ["ignore", stdout, "pipe"];
  const ran = spawnSync(input("PROGRAM") || "turnledger", words, { encoding: "utf8", env: environment, maxBuffer: Infinity, stdio });
  if (ran.error) throw new Fault(`the program \`turnledger\` cannot be run (${ran.error.code}): see the input \`program\``);
  if (ran.stderr) {
    const word = randomUUID();
    process.stdout.write(`::stop-commands::${word}\n${ran.stderr.trimEnd()}\n::${word}::\n`);
  }
  return ran;
}

/** The file or folder of events; those of a store are written to `folder` first. */
function events(folder) {
  const [files, store] = [input("EVENTS"), input("STORE")];
  if ((files === "") === (store === "")) throw new Fault("give one of the inputs `events` and `store`");
  if (files) return files;
  const path = join(folder, "events.jsonl");
  const output = openSync(path, "wx", 0o600);
  const { status } = turnledger(["store", "export", `--store=${store}`], output);
  closeSync(output);
  if (status !== 0) throw new Fault(`the events of the store cannot be read (exit code ${status})`);
  return path;
}

/** What `attribute` says, with the exit code that the step ends with. */
function attribute(folder, range, by) {
  const words = ["attribute", "--format", "markdown", `--events=${events(folder)}`, `--repo=${input("REPOSITORY") || "."}`];
  if (by) words.push(`--by=${by}`);
  if (input("FAIL_OVER")) words.push(`--fail-over=${input("FAIL_OVER")}`);
  if (input("KEY")) {
    const path = join(folder, "key");
    writeFileSync(path, input("KEY"), { mode: 0o600 });
    words.push(`--key-file=${path}`);
  }
  const { status, stdout } = turnledger([...words, range]);
  // 1: some lines of the events could not be read. 3: more than `fail-over` matches. Both have a whole report.
  if (![0, 1, 3].includes(status) || stdout === "") {
    throw new Fault(`nothing can be said of the pull request (exit code ${status}): its history must be whole (fetch-depth: 0)`);
  }
  return { report: stdout, status: status === 1 ? 0 : status };
}

/** A function that gives the longest form of the report that has at most so many bytes or characters. */
function forms(folder, range) {
  const { report, status } = attribute(folder, range, input("BY"));
  const fitting = (most) => {
    if (Buffer.byteLength(report) <= most) return report;
    const shorter = attribute(mkdtempSync(join(folder, "short-")), range, "commit").report;
    if (Buffer.byteLength(shorter) <= most) return shorter;
    return `${report.slice(0, report.indexOf("\n"))}\n\nThe table is too long to be shown here.\n`;
  };
  return { fitting, status };
}

/** Asks GitHub. An answer that is no success says its status alone. */
async function github(method, path, body) {
  const answer = await fetch(`${variable("GITHUB_API_URL")}/repos/${variable("GITHUB_REPOSITORY")}/issues/${path}`, {
    method,
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${input("TOKEN")}`,
      "user-agent": "turnledger",
      "x-github-api-version": "2022-11-28",
    },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  }).catch(({ cause, name }) => {
    throw new Fault(`GitHub cannot be reached (${cause?.code ?? name})`);
  });
  if ([403, 404].includes(answer.status)) throw new NotAllowed(`GitHub allows no comment (${answer.status})`);
  if (!answer.ok) throw new Fault(`GitHub takes no comment (${answer.status})`);
  return answer.json();
}

/** The id of the comment that an earlier run wrote. Another's comment with our marker is not ours. */
async function earlier(number) {
  for (let page = 1; ; page += 1) {
    const comments = await github("GET", `${number}/comments?per_page=${PAGE}&page=${page}`);
    const ours = comments.find(({ body, user }) => user?.login === input("AUTHOR") && body?.startsWith(MARKER));
    if (ours) return ours.id;
    if (comments.length < PAGE) return undefined;
  }
}

async function comment(number, report) {
  if (input("TOKEN") === "") throw new NotAllowed("there is no token to comment with");
  const id = await earlier(number);
  const body = MARKER + report;
  if (id === undefined) await github("POST", `${number}/comments`, { body });
  else await github("PATCH", `comments/${id}`, { body });
  return id === undefined ? "commented" : "edited the comment";
}

async function main(folder) {
  const { number, range } = pullRequest();
  const { fitting, status } = forms(folder, range);
  try {
    console.log(`turnledger: ${await comment(number, fitting(MOST_OF_A_COMMENT - MARKER.length))}`);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    appendFileSync(variable("GITHUB_STEP_SUMMARY"), fitting(MOST_OF_A_SUMMARY));
    if (!(error instanceof NotAllowed)) throw new Fault(`${error.message}; the report is in the job's summary`);
    console.log(`::notice::turnledger: ${error.message}; the report is in the job's summary`);
  }
  return status;
}

const folder = mkdtempSync(join(process.env.RUNNER_TEMP ?? tmpdir(), "turnledger-"));
try {
  process.exitCode = await main(folder);
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  console.log(`::error::turnledger: ${error.message}`);
  process.exitCode = 2;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
