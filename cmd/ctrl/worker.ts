import { defineCommand } from "../../pkg/cli/mod.ts";
import { WORKER_FIELDS, WORKER_RULES } from "../../svc/ctrl/worker/config/config.ts";
import { runWorker } from "../../svc/ctrl/worker/run.ts";
import { serviceExits } from "../shared/exit_codes.ts";
import { METRICS_FIELDS, runService, SERVICE_FIELDS, SERVICE_NOTES } from "../shared/service.ts";

/** `unkey ctrl worker` */
export const command = defineCommand({
  exitCodes: serviceExits("the database"),
  outcome: "service",
  fields: { ...WORKER_FIELDS, ...SERVICE_FIELDS, ...METRICS_FIELDS },
  check: WORKER_RULES,
  notes: SERVICE_NOTES,
  run({ config }, process) {
    const metrics = { part: "worker", host: config.host, from: config.metricsFrom };
    return runService("ctrl-worker", { config, process, metrics }, (service) => runWorker(config, service));
  },
});
