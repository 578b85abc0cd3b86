import { defineCommand } from "../../pkg/cli/mod.ts";
import { KRANE_FIELDS, KRANE_RULES } from "../../svc/krane/config.ts";
import { runKrane } from "../../svc/krane/run.ts";
import { serviceExits } from "../shared/exit_codes.ts";
import { METRICS_FIELDS, runService, SERVICE_FIELDS, SERVICE_NOTES } from "../shared/service.ts";

/** `unkey krane` */
export const command = defineCommand({
  exitCodes: serviceExits("the Docker Engine or the cluster"),
  outcome: "service",
  fields: { ...KRANE_FIELDS, ...SERVICE_FIELDS, ...METRICS_FIELDS },
  check: KRANE_RULES,
  notes: SERVICE_NOTES,
  run({ config }, process) {
    const metrics = { part: "krane", host: config.httpHost, from: config.metricsFrom };
    return runService("krane", { config, process, metrics }, (service) => runKrane(config, service));
  },
});
