#!/usr/bin/env node
// deno-lint-ignore-file no-console -- its errors are for a person
// Starts unkey with the Deno that npm installed beside it. Runs in Node.js 18 and newer.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const main = fileURLToPath(new URL("./bundle/main.js", import.meta.url));
const flags = ["run", "--quiet", "--allow-all", "--no-config", "--no-lock", "--unstable-no-legacy-abort"];
const env = { DENO_TLS_CA_STORE: "system,mozilla", ...process.env, DENO_NO_UPDATE_CHECK: "1" };

let deno;
try {
  deno = require("deno/install_api.cjs").runInstall();
} catch (error) {
  console.error(
    `error: npm has no Deno for this system (${process.platform} ${process.arch}), which unkey needs.`,
  );
  console.error(`${error instanceof Error ? error.message : error}`);
  console.error(
    "Install optional dependencies, too (no --omit=optional), or download an executable of unkey.",
  );
  process.exit(1);
}

const child = spawn(deno, [...flags, "--v8-flags=V8_FLAGS", main, ...process.argv.slice(2)], {
  stdio: "inherit",
  env,
});
// A signal for this process alone; Ctrl-C reaches both, and then only the child decides.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => signal === "SIGINT" && process.stdin.isTTY || child.kill(signal));
}
child.on("error", (error) => {
  console.error(`error: Deno cannot be started: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
