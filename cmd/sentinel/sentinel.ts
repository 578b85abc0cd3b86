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
    return runService("sentinel", { config, process }, (service) => runSentinel(config, service));
  },
});
