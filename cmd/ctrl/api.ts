import { defineCommand } from "../../pkg/cli/mod.ts";
import { API_FIELDS, API_RULES } from "../../svc/ctrl/api/config.ts";
import { runApi } from "../../svc/ctrl/api/run.ts";
import { serviceExits } from "../shared/exit_codes.ts";
import { METRICS_FIELDS, runService, SERVICE_FIELDS, SERVICE_NOTES } from "../shared/service.ts";

/** `unkey ctrl api` */
export const command = defineCommand({
  exitCodes: serviceExits("the database"),
  outcome: "service",
  fields: { ...API_FIELDS, ...SERVICE_FIELDS, ...METRICS_FIELDS },
  check: API_RULES,
  notes: SERVICE_NOTES,
  run({ config }, process) {
    const metrics = { part: "api", host: config.host, from: config.metricsFrom };
    return runService("ctrl-api", { config, process, metrics }, (service) => runApi(config, service));
  },
});
