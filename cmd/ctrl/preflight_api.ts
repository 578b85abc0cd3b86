import { defineCommand } from "../../pkg/cli/mod.ts";
import { API_FIELDS, API_RULES } from "../../svc/ctrl/api/config.ts";
import { apiProbes } from "../../svc/ctrl/preflight/run.ts";
import { JSON_FIELD } from "../shared/output.ts";
import { preflight, PREFLIGHT_EXITS, preflightNotes } from "../shared/preflight.ts";

/** `unkey preflight api` */
export const command = defineCommand({
  exitCodes: PREFLIGHT_EXITS,
  fields: { ...API_FIELDS, json: JSON_FIELD },
  check: API_RULES,
  notes: preflightNotes("ctrl api"),
  run({ config }, process) {
    return preflight(apiProbes(config, process.clock), config, process);
  },
});
