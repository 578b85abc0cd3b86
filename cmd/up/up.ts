/** `unkey up`: the whole platform in one process, on this machine. */
import { resolve } from "node:path";
import { defineCommand, EXIT, type Process, VERSION } from "../../pkg/cli/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { SERVICE_EXITS } from "../shared/exit_codes.ts";
import { UP_FIELDS, type UpConfig } from "./config.ts";
import {
  type DataFolder,
  dataFolder,
  makeDataFolder,
  newState,
  readState,
  type State,
  writeState,
} from "./data_folder.ts";
import { lockFolder } from "./lock.ts";
import { openLogFile } from "./log_file.ts";
import { logIn } from "./login.ts";
import { checkPorts, keepPorts } from "./ports.ts";
import { createProgress } from "./progress.ts";
import { apiUrl, edgeUrl, type Plan } from "./settings.ts";
import { Stack } from "./stack.ts";

/** `unkey up` */
export const command = defineCommand({
  exitCodes: [
    ...SERVICE_EXITS,
    { code: EXIT.interrupted, means: "a signal ended it before everything had started" },
  ],
  outcome: "service",
  fields: UP_FIELDS,
  notes:
    "Everything listens on 127.0.0.1 only. Ctrl-C stops all of it and keeps the data for the next start.",
  async run({ config }, process): Promise<void> {
    const folder = dataFolder(resolve(process.cwd, config.dataDir));
    await makeDataFolder(folder);
    const lock = await lockFolder(folder.lock, folder.root);
    try {
      using logs = openLogFile(folder.log, "info");
      await runStack({ config, folder, state: await prepare(config, folder) }, logs, process);
    } finally {
      await lock.release();
    }
  },
});

/** Makes every check that needs no running part, and settles ports and secrets. */
async function prepare(config: UpConfig, folder: DataFolder): Promise<State> {
  checkPorts([
    { part: "the api", port: config.apiPort, flag: "api-port" },
    { part: "the edge", port: config.edgePort, flag: "edge-port" },
  ]);
  const known = await readState(folder);
  const ports = keepPorts(known?.ports);
  const state = known === undefined ? newState(ports) : { ...known, ports };
  await writeState(folder, state);
  return state;
}

async function runStack(plan: Plan, logs: ReturnType<typeof openLogFile>, process: Process): Promise<void> {
  const { env, clock, signal, stdout, stderr } = process;
  const progress = createProgress(process);
  const stack = new Stack(plan, { env, clock, logs, progress, signal, version: VERSION });
  try {
    const { state, workspaceSlug } = await stack.start();
    const login = { apiBaseUrl: apiUrl(plan), rootKey: new Secret(state.rootKey), workspaceSlug };
    await progress.step("login", () => logIn(process.directories.config, login), (done) => done);
    stdout(summary(plan));
    await Promise.race([aborted(signal), stack.failed]);
    stderr("stopping\n");
  } finally {
    await stack.stop();
  }
}

function summary(plan: Plan): string {
  const { config, folder } = plan;
  return `ready: ${edgeUrl(plan)}
  data    ${folder.root}
  logs    ${folder.log}
  next    unkey deploy <folder with a Dockerfile> --project ${config.project}
  Ctrl-C stops everything and keeps the data.
`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener("abort", () => done(), { once: true }));
}
