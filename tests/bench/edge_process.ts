/**
 * An edge as a process of its own, fed by the control plane whose URL is its first argument; the second is a port for HTTPS,
 * if it serves that; with the third, "metrics", it counts as it does when it is scraped, with "uncounted" it counts no requests of deployments. Prints its port when ready.
 */
// deno-lint-ignore-file no-console -- its port is its output
import { systemClock } from "../../pkg/clock/mod.ts";
import { loadConfig } from "../../pkg/config/mod.ts";
import { createLogger, silentLogger } from "../../pkg/logger/mod.ts";
import { NO_METRICS, openMetrics } from "../../pkg/metrics/mod.ts";
import { FRONTLINE_FIELDS } from "../../svc/frontline/config.ts";
import { runFrontline } from "../../svc/frontline/run.ts";

const settings: Readonly<Record<string, string>> = {
  UNKEY_HTTP_HOST: "127.0.0.1",
  UNKEY_HTTP_PORT: "0",
  UNKEY_CONTROL_PLANE_URL: Deno.args[0] ?? "",
  UNKEY_CONTROL_PLANE_BEARER: "bench",
  UNKEY_REGION: "local",
  ...((Deno.args[1] ?? "") === "" ? {} : { UNKEY_HTTPS_PORT: Deno.args[1] ?? "" }),
};
const registry = Deno.args[2] === "metrics"
  ? await openMetrics({ clock: systemClock(), log: silentLogger() })
  : undefined;
const config = loadConfig(FRONTLINE_FIELDS, {
  flags: new Map(),
  env: (name) => settings[name],
  readFile: (path) => Deno.readTextFileSync(path),
});
await runFrontline(config, {
  log: createLogger({ service: "frontline", level: "warn", write: (line) => console.error(line) }),
  clock: systemClock(),
  metrics: registry?.part("frontline") ?? NO_METRICS,
  countsTraffic: Deno.args[2] !== "uncounted",
  signal: new AbortController().signal,
  onReady: ({ port }) => console.log(port),
});
