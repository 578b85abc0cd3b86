import { defineCommand } from "../../pkg/cli/mod.ts";
import { FRONTLINE_FIELDS } from "../../svc/frontline/config.ts";
import { runFrontline } from "../../svc/frontline/run.ts";
import { runService, SERVICE_FIELDS, SERVICE_NOTES } from "../shared/service.ts";

/** `unkey frontline` */
export const command = defineCommand({
  outcome: "service",
  fields: { ...FRONTLINE_FIELDS, ...SERVICE_FIELDS },
  notes: SERVICE_NOTES,
  run({ config }, process) {
    return runService("frontline", { config, process }, (service) => runFrontline(config, service));
  },
});
