/** `unkey up`: the whole platform in one process, on this machine. */
import { resolve } from "node:path";
import { defineCommand, EXIT, type Process, VERSION } from "../../pkg/cli/mod.ts";
import { problemsOf, Secret } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { WORKER_FIELDS, WORKER_RULES } from "../../svc/ctrl/worker/config/config.ts";
import { SERVICE_EXITS } from "../shared/exit_codes.ts";
import { openProcessMetrics } from "../shared/metrics.ts";
import { notifyReady } from "../shared/service_manager.ts";
import { UP_FIELDS, UP_RULES, type UpConfig } from "./config.ts";
import {
  type DataFolder,
  dataFolder,
  makeDataFolder,
  newState,
  readState,
  writeState,
} from "./data_folder.ts";
import { literalConfig } from "./literal.ts";
import { lockFolder } from "./lock.ts";
import { logsToStderr, openLogFile } from "./log_file.ts";
import { logIn } from "./login.ts";
import { apiUrlOf, dashboardUrlOf, edgeUrlOf, type Place, placeOf, publicApiUrlOf } from "./place.ts";
import { checkPorts, HOST, keepPorts, settledPort } from "./ports.ts";
import { preflight, preflightOptions } from "./preflight/mod.ts";
import { createProgress } from "./progress.ts";
import { type Plan, workerSettings } from "./settings.ts";
import { Stack } from "./stack.ts";

/** `unkey up` */
export const command = defineCommand({
  exitCodes: [
    ...SERVICE_EXITS,
    { code: EXIT.interrupted, means: "a signal ended it before everything had started" },
  ],
  outcome: "service",
  fields: UP_FIELDS,
  check: UP_RULES,
  notes:
    `Everything listens on 127.0.0.1 only, unless --domain is set: then the edge serves apps and API to everyone, with
certificates of its own. Ctrl-C stops all of it and keeps the data for the next start.
On a server: "sudo unkey up --install --domain apps.example.com --email you@example.com".`,
  async run({ config, sources }, process): Promise<void> {
    if (config.uninstall) return await (await import("./service/uninstall.ts")).uninstall(config, process);
    if (config.install) return await (await import("./service/install.ts")).install(sources, process);
    const folder = dataFolder(resolve(process.cwd, config.dataDir));
    await makeDataFolder(folder);
    const lock = await lockFolder(folder.lock, folder.root);
    try {
      using logs = config.logTo === "stderr" ? logsToStderr(process) : openLogFile(folder.log, "info");
      await runStack(await prepare(config, folder), logs, process);
    } finally {
      await lock.release();
    }
  },
});

/** Readers of metrics: this machine. */
const LOOPBACK = ["127.0.0.0/8", "::1"];

/** Its server does not run yet, and plays no part in rules between settings. */
const ANY_RESTATE = { ingressUrl: "http://127.0.0.1:1", adminUrl: "http://127.0.0.1:1", identityKey: "" };

/** Makes every check that needs no running part, and settles ports and secrets. */
async function prepare(config: UpConfig, folder: DataFolder): Promise<Plan> {
  const wanted = placeOf(config);
  const { edgeHost: host } = wanted;
  const edges = [
    { part: "the edge", port: wanted.edgePort, host, flag: "edge-port" },
    ...wanted.edgeHttpsPort === undefined
      ? []
      : [{ part: "https://", port: wanted.edgeHttpsPort, host, flag: "edge-https-port" }],
  ];
  await checkPorts([
    { part: "the api", port: wanted.apiPort, flag: "api-port" },
    ...config.prometheusPort === 0
      ? []
      : [{ part: "the metrics", port: config.prometheusPort, flag: "prometheus-port" }],
    ...config.edgeApart ? [] : edges,
  ]);
  const place = settled(wanted);
  const known = await readState(folder);
  const ports = keepPorts(known?.ports);
  const state = {
    ...known === undefined ? newState(ports) : { ...known, ports },
    apiUrl: apiUrlOf(place),
    publicApiUrl: publicApiUrlOf(place),
  };
  const plan = { config, place, folder, state };
  const worker = literalConfig(WORKER_FIELDS, workerSettings(plan, ANY_RESTATE));
  const problems = problemsOf(WORKER_RULES, worker);
  if (problems.length > 0) throw publicFault("invalid_argument", problems.join("\n"));
  await writeState(folder, state);
  return plan;
}

/** The place with ports in place of each 0. */
function settled(wanted: Place): Place {
  const { edgeHost, edgeHttpsPort: secure } = wanted;
  const edgeHttpsPort = secure === undefined ? undefined : settledPort(secure, edgeHost);
  return {
    ...wanted,
    apiPort: settledPort(wanted.apiPort, HOST),
    edgePort: settledPort(wanted.edgePort, edgeHost),
    edgeHttpsPort,
    publicHttpsPort: wanted.publicHttpsPort === 0 ? edgeHttpsPort ?? 0 : wanted.publicHttpsPort,
  };
}

async function runStack(plan: Plan, logs: ReturnType<typeof openLogFile>, process: Process): Promise<void> {
  const { env, clock, signal, stdout, stderr } = process;
  const progress = createProgress(process);
  const { prometheusPort: port } = plan.config;
  const log = logs.logger("up");
  await using metrics = await openProcessMetrics({ host: HOST, port, from: LOOPBACK }, { clock, log });
  const stack = new Stack(plan, {
    env,
    clock,
    logs,
    progress,
    signal,
    version: VERSION,
    metrics: (part) => metrics.part(part),
  });
  try {
    const notices = plan.config.domain === undefined || plan.config.edgeApart
      ? Promise.resolve([])
      : preflight(preflightOptions(plan.config, plan.place), signal);
    notices.catch(() => undefined); // awaited below, where a failed start does not come to
    const { state, workspaceSlug } = await stack.start();
    for (const { subject, text } of await notices) progress.notice(subject, text);
    if (plan.config.https) {
      const { trustCommand } = await import("./local_https.ts");
      const command = trustCommand(plan.folder.authority, Deno.build.os);
      progress.notice("https", `browsers trust it after: ${command}`);
    }
    if (!plan.config.edgeApart) {
      const login = { apiBaseUrl: apiUrlOf(plan.place), rootKey: new Secret(state.rootKey), workspaceSlug };
      await progress.step("login", () => logIn(process.directories.config, login), (done) => done);
    }
    stdout(summary(plan));
    await notifyReady(env);
    await Promise.race([aborted(signal), stack.failed]);
    stderr("stopping\n");
  } finally {
    await stack.stop();
  }
}

function summary({ config, folder, place }: Plan): string {
  const api = publicApiUrlOf(place);
  return `ready: ${edgeUrlOf(place)}
${api === undefined ? "" : `  api     ${api}\n`}  pages   ${
    dashboardUrlOf(place)
  }, logged in by "unkey dashboard"
  data    ${folder.root}
  logs    ${config.logTo === "stderr" ? "standard error" : folder.log}
  next    ${
    api === undefined
      ? ""
      : `unkey login ${api}, with a code from "unkey admin login-codes create"\n          `
  }` +
    `unkey deploy <folder with a Dockerfile> --project ${config.project}
  Ctrl-C stops everything and keeps the data.
`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener("abort", () => done(), { once: true }));
}
