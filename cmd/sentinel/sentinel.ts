import { defineCommand } from "../../pkg/cli/mod.ts";
import { tlsClientProblems } from "../../pkg/tls/mod.ts";
import { SENTINEL_FIELDS } from "../../svc/frontline/sentinel/config.ts";
import { runSentinel } from "../../svc/frontline/sentinel/run.ts";
import { runService, SERVICE_FIELDS, SERVICE_NOTES } from "../shared/service.ts";

/** `unkey sentinel` */
export const command = defineCommand({
  outcome: "service",
  fields: { ...SENTINEL_FIELDS, ...SERVICE_FIELDS },
  check: tlsClientProblems,
  notes: SERVICE_NOTES,
  run({ config }, process) {
    const metrics = {
      part: "sentinel",
      host: config.httpHost,
      from: config.metricsFrom,
      onOwnPort: config.healthPort !== undefined,
    };
    return runService("sentinel", { config, process, metrics }, (service) => runSentinel(config, service));
  },
});
