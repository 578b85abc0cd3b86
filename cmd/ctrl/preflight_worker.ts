import { defineCommand } from "../../pkg/cli/mod.ts";
import { WORKER_FIELDS, WORKER_RULES } from "../../svc/ctrl/worker/config/config.ts";
import { workerProbes } from "../../svc/ctrl/preflight/run.ts";
import { JSON_FIELD } from "../shared/output.ts";
import { preflight, PREFLIGHT_EXITS, preflightNotes } from "../shared/preflight.ts";

/** `unkey preflight worker` */
export const command = defineCommand({
  exitCodes: PREFLIGHT_EXITS,
  fields: { ...WORKER_FIELDS, json: JSON_FIELD },
  check: WORKER_RULES,
  notes: preflightNotes("ctrl worker"),
  run({ config }, process) {
    return preflight(workerProbes(config, process.clock), config, process);
  },
});
