// The part of VS Code that the extension uses, faithful in what it does: state is JSON, files are read as a whole, and a
// file system's errors are its own.
import { posix } from "node:path";

export class Uri {
  constructor(scheme, path) {
    Object.assign(this, { scheme, path });
  }
  static file = (path) => new Uri("file", path);
  static parse(text) {
    const [, scheme, path] = /^([a-z]+):\/\/(\/.*)$/.exec(text);
    return new Uri(scheme, path);
  }
  static joinPath = (uri, ...parts) => new Uri(uri.scheme, posix.join(uri.path, ...parts));
  toString = () => `${this.scheme}://${this.path}`;
}

class FileSystemError extends Error {
  constructor(code, uri) {
    super(`${code}: ${uri.path}`);
    this.code = code;
  }
}

class Emitter {
  #listeners = new Set();
  on = (listener) => {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };
  fire = (value) => [...this.#listeners].forEach((listener) => listener(value));
}

/** Extension state: what was put in comes out as a copy. */
export class Memento {
  json = "{}";
  get = (key, otherwise) => JSON.parse(this.json)[key] ?? otherwise;
  update = async (key, value) => {
    this.json = JSON.stringify({ ...JSON.parse(this.json), [key]: value });
  };
}

/** `files` has `stat(path)` and `read(path)`, which throw if there is no such file. */
export function fake({ files, settings = {}, telemetry = false, trusted = true }) {
  const emitters = {};
  const emitter = (name) => (emitters[name] ??= new Emitter());
  const host = { settings, telemetry, trusted, log: [], items: [], picks: [], messages: [], commands: new Map(), watchers: 0 };
  host.fire = (name, value) => emitter(name).fire(value);
  host.changeSetting = (name, value) => {
    host.settings[name] = value;
    host.fire("configuration", { affectsConfiguration: (section) => name === section || name.startsWith(`${section}.`) });
  };
  const found = (uri, work) => {
    try {
      return work(uri.path);
    } catch {
      throw new FileSystemError("FileNotFound", uri);
    }
  };
  const say = (level) => (text) => void host.log.push(`${level}: ${text}`);
  const vscode = {
    Uri,
    FileSystemError,
    RelativePattern: class {
      constructor(base, pattern) {
        Object.assign(this, { base, pattern });
      }
    },
    MarkdownString: class {
      isTrusted = true;
      constructor(value) {
        this.value = value;
      }
    },
    StatusBarAlignment: { Right: 2 },
    commands: {
      registerCommand(name, run) {
        host.commands.set(name, run);
        return { dispose: () => host.commands.delete(name) };
      },
      executeCommand: async (name) => void host.messages.push(`command ${name}`),
    },
    env: {
      get isTelemetryEnabled() {
        return host.telemetry;
      },
      onDidChangeTelemetryEnabled: emitter("telemetry").on,
    },
    window: {
      createOutputChannel: () => ({
        info: say("info"), warn: say("warn"), error: say("error"), show: () => host.messages.push("log"), dispose() {},
      }),
      createStatusBarItem(id) {
        const item = { id, show: () => (item.isShown = true), dispose: () => (item.isShown = false) };
        host.items.push(item);
        return item;
      },
      showInformationMessage: async (text, ...answers) => {
        host.messages.push(text);
        return answers[0];
      },
      showQuickPick: async (items, options) => {
        host.picks.push({ items, options });
        return items.at(-1);
      },
    },
    workspace: {
      fs: {
        stat: async (uri) => found(uri, files.stat),
        readFile: async (uri) => found(uri, files.read),
      },
      get isTrusted() {
        return host.trusted;
      },
      workspaceFolders: [{ uri: Uri.file("/workspace") }],
      getConfiguration: (section) => ({ get: (name, otherwise) => host.settings[`${section}.${name}`] ?? otherwise }),
      createFileSystemWatcher: ({ base, pattern }) => {
        if (pattern !== "*") throw new Error("only whole folders are watched here");
        host.watchers += 1;
        const within = (listener) => emitter("file").on((uri) => posix.dirname(uri.path) === posix.normalize(base.path).replace(/\/$/, "") && listener(uri));
        return { onDidCreate: () => ({ dispose() {} }), onDidDelete: () => ({ dispose() {} }), onDidChange: within, dispose: () => (host.watchers -= 1) };
      },
      onDidChangeConfiguration: emitter("configuration").on,
      onDidChangeWorkspaceFolders: emitter("folders").on,
      onDidGrantWorkspaceTrust: emitter("trust").on,
    },
  };
  return { vscode, host };
}
