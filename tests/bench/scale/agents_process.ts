/**
 * The agents of all regions in one process, as `unkey krane` runs them: only their containers are simulated. Prints a line
 * when all have started, and one at the end.
 */
// deno-lint-ignore-file no-console -- its lines are its output
import { systemClock } from "../../../pkg/clock/mod.ts";
import { loadConfig } from "../../../pkg/config/mod.ts";
import { createLogger } from "../../../pkg/logger/mod.ts";
import { KRANE_FIELDS } from "../../../svc/krane/config.ts";
import { runKrane } from "../../../svc/krane/run.ts";
import { SimulatedRuntime } from "./simulated_runtime.ts";
import { runParts } from "./part_process.ts";

export interface AgentsOptions {
  readonly url: string;
  readonly directory: string;
  readonly agents: readonly { readonly region: string; readonly token: string }[];
  /** From the desired state to an app that answers. */
  readonly startMs: number;
}

async function run(
  options: AgentsOptions,
  ordinal: number,
  signal: AbortSignal,
  onReady: () => void,
): Promise<void> {
  const { region = "", token = "" } = options.agents[ordinal] ?? {};
  const settings: Readonly<Record<string, string>> = {
    UNKEY_CONTROL_PLANE_URL: options.url,
    UNKEY_CONTROL_PLANE_BEARER: token,
    UNKEY_REGION: region,
    UNKEY_KRANE_STATE_DIR: `${options.directory}/${region}`,
    UNKEY_HTTP_HOST: "127.0.0.1",
    UNKEY_HTTP_PORT: "0",
  };
  const config = loadConfig(KRANE_FIELDS, {
    flags: new Map(),
    env: (name) => settings[name],
    readFile: (path) => Deno.readTextFileSync(path),
  });
  const clock = systemClock();
  await runKrane(config, {
    log: createLogger({ service: "krane", level: "error", write: (line) => console.error(line) }),
    clock,
    signal,
    runtime: new SimulatedRuntime({ clock, region: ordinal, startMs: options.startMs }),
    onReady,
  });
}

if (import.meta.main) {
  const options: AgentsOptions = JSON.parse(Deno.args[0] ?? "{}");
  await runParts(
    options.agents.map((_, ordinal) => (signal, onReady) => run(options, ordinal, signal, onReady)),
  );
}
