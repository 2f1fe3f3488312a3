#!/usr/bin/env node
// The command `turnledger`: runs the native program, which comes in a package for each platform.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";

const platform = `${process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "turnledger.exe" : "turnledger";

/** The program of this platform; of the two on Linux, npm installs the one whose C library is there. */
function program() {
  const { resolve } = createRequire(import.meta.url);
  for (const libc of ["", "-musl"]) {
    try {
      return resolve(`@turnledger/cli-${platform}${libc}/bin/${file}`);
    } catch (error) {
      if (error.code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  return null;
}

const path = program();
if (path === null) {
  console.error(
    `turnledger: the package @turnledger/cli-${platform} is not installed; install turnledger again without \
--omit=optional, or, if there is no such package, build the program from its source`,
  );
  process.exit(2);
}
// A terminal's Ctrl-C comes to both; what another process sends comes here alone. Before the program starts: no signal is lost.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(signal, () => (signal === "SIGINT" && process.stdin.isTTY) || child.kill(signal));
const child = spawn(path, process.argv.slice(2), { stdio: "inherit" });
child.on("error", ({ message }) => {
  console.error(`turnledger: ${path} cannot be run: ${message}`);
  process.exit(2);
});
child.on("exit", (code, signal) => {
  if (signal !== null && process.platform !== "win32") {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // Where the signal is ignored.
    process.exitCode = 128 + constants.signals[signal];
  } else {
    process.exitCode = code ?? 1;
  }
});
