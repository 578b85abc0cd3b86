/**
 * Edges in one process, each as `unkey frontline` runs it. Prints a line when all have their first snapshot, and one at the
 * end.
 */
// deno-lint-ignore-file no-console -- its lines are its output
import { systemClock } from "../../../pkg/clock/mod.ts";
import { loadConfig } from "../../../pkg/config/mod.ts";
import { createLogger } from "../../../pkg/logger/mod.ts";
import { FRONTLINE_FIELDS } from "../../../svc/frontline/config.ts";
import { runFrontline } from "../../../svc/frontline/run.ts";
import { runParts } from "./part_process.ts";

export interface EdgesOptions {
  readonly url: string;
  readonly token: string;
  readonly regions: readonly string[];
}

async function run(
  { url, token }: EdgesOptions,
  region: string,
  signal: AbortSignal,
  onReady: () => void,
): Promise<void> {
  const settings: Readonly<Record<string, string>> = {
    UNKEY_CONTROL_PLANE_URL: url,
    UNKEY_CONTROL_PLANE_BEARER: token,
    UNKEY_REGION: region,
    UNKEY_HTTP_HOST: "127.0.0.1",
    UNKEY_HTTP_PORT: "0",
    UNKEY_FRONTLINE_STOP_DELAY_MS: "0",
  };
  const config = loadConfig(FRONTLINE_FIELDS, {
    flags: new Map(),
    env: (name) => settings[name],
    readFile: (path) => Deno.readTextFileSync(path),
  });
  await runFrontline(config, {
    log: createLogger({ service: "frontline", level: "error", write: (line) => console.error(line) }),
    clock: systemClock(),
    signal,
    onReady,
  });
}

if (import.meta.main) {
  const options: EdgesOptions = JSON.parse(Deno.args[0] ?? "{}");
  await runParts(options.regions.map((region) => (signal, onReady) => run(options, region, signal, onReady)));
}
