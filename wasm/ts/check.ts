/** Options, looked at before they are used: JavaScript has no types that would say what is wrong. */

/** @throws TypeError that names the option */
type Check = (value: unknown, name: string) => void;

/** Timers know no longer time. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @throws TypeError that names the option */
export function checkOptions(options: unknown): void {
  const ofStorage = { load: isFunction, add: isFunction, remove: isFunction, replace: isFunction };
  members({
    ...shared(),
    beforeSend: isFunction,
    // They may be of a class that has more.
    digest: needed(members({ scheme: isText, digest: isFunction }, true), "scheme", "digest"),
    storage: needed(members(ofStorage, true), "load", "add", "remove"),
    upload: (value, name) => {
      if (typeof value === "function") return;
      if (!isObject(value)) throw new TypeError(`${name}: expected an object with a url, or a function`);
      needed(members({ ...uploadTo(), headers: isFunction, fetch: isFunction }), "url")(value, name);
    },
  })(options, "options");
}

/** @throws TypeError that names the option: one with functions is the worker's */
export function checkRemoteOptions(options: unknown): void {
  members({ ...shared(), upload: members(uploadTo()) })(options, "options");
}

/** @throws TypeError unless it is an object with these methods */
export function checkMethods(value: unknown, name: string, ...methods: string[]): void {
  needed(members(Object.fromEntries(methods.map((method) => [method, isFunction])), true), ...methods)(value, name);
}

/** @throws TypeError unless it is a string */
export function isText(value: unknown, name: string): void {
  expect(typeof value === "string", name, "a string");
}

/** What a page and a worker's script may both say. */
function shared(): Record<string, Check> {
  const cap = needed(members({ entries: isWhole, idleMs: isWhole }), "entries", "idleMs");
  const names: Check = (value, name) => {
    expect(Array.isArray(value) && value.every((one) => typeof one === "string" && one !== ""), name, "a list of names");
  };
  return {
    key: (value, name) => {
      // Also of another realm, as a frame's or a test environment's are.
      expect(Object.prototype.toString.call(value) === "[object Uint8Array]", name, "bytes, as a Uint8Array");
    },
    policy: members({
      allow_events: names,
      drop_events: names,
      allow_clients: names,
      drop_clients: names,
      allow_repositories: names,
      drop_repositories: names,
      allow_members: names,
      drop_members: names,
      hash_members: names,
      coarsen_times: (value, name) => expect(value === "hour", name, '"hour"'),
    }),
    transport: (value, name) => {
      expect(transports.includes(value as never), name, '"stdio", "websocket" or "in_process"');
    },
    limits: members({
      connections: cap,
      threads: cap,
      turns: cap,
      items: cap,
      requests: cap,
      approvals: cap,
      diffBytes: isWhole,
      heldDiffBytes: isWhole,
    }),
    batch: members({
      events: isWhole,
      bytes: isWhole,
      ageMs: (value, name) => expect(typeof value === "number" && value >= 0, name, "milliseconds, 0 or more"),
    }),
    clock: isFunction,
    onDiscard: isFunction,
    onQuestion: isFunction,
    onTrouble: isFunction,
    enabled: (value, name) => expect(typeof value === "boolean", name, "true or false"),
    snapshot: (value, name) => expect(typeof value === "string", name, "a string, as snapshot() gives it"),
  };
}

function uploadTo(): Record<string, Check> {
  return {
    url: (value, name) => expect(typeof value === "string" && URL.canParse(value), name, "an absolute URL"),
    timeoutMs: (value, name) => {
      const isOne = typeof value === "number" && value > 0 && value <= LONGEST_TIMER_MS;
      expect(isOne, name, `milliseconds above 0 and up to ${LONGEST_TIMER_MS}`);
    },
  };
}

/** By their numbers in the core. */
export const transports = ["stdio", "websocket", "in_process"] as const;

/** An object with these members; those that are not there have no value, and others are a mistake. */
function members(checks: Record<string, Check>, hasOthers = false): Check {
  return (value, name) => {
    if (!isObject(value)) throw new TypeError(`${name}: expected an object`);
    const unknown = Object.keys(value).find((key) => !Object.hasOwn(checks, key));
    if (unknown !== undefined && !hasOthers) throw new TypeError(`${name}: unknown member ${JSON.stringify(unknown)}`);
    for (const [key, check] of Object.entries(checks)) {
      if (value[key] !== undefined) check(value[key], name === "options" ? key : `${name}.${key}`);
    }
  };
}

/** These members have to be there: what is missing is as wrong as what is null. */
function needed(check: Check, ...keys: string[]): Check {
  return (value, name) => {
    check(value, name);
    for (const key of keys) {
      if ((value as Record<string, unknown>)[key] === undefined) check({ [key]: null }, name);
    }
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFunction(value: unknown, name: string): void {
  expect(typeof value === "function", name, "a function");
}

function isWhole(value: unknown, name: string): void {
  expect(Number.isSafeInteger(value) && (value as number) >= 0, name, "a whole number, 0 or more");
}

function expect(isOne: boolean, name: string, expected: string): void {
  if (!isOne) throw new TypeError(`${name}: expected ${expected}`);
}
