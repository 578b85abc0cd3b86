import { defineCommand } from "../../pkg/cli/mod.ts";
import { describeError } from "../../pkg/fault/mod.ts";
import { FRONTLINE_FIELDS, FRONTLINE_RULES } from "../../svc/frontline/config.ts";
import { inheritedSockets, runFrontline } from "../../svc/frontline/run.ts";
import { notifyReady } from "../shared/service_manager.ts";
import { runService, SERVICE_FIELDS, SERVICE_NOTES } from "../shared/service.ts";

/** `unkey frontline` */
export const command = defineCommand({
  outcome: "service",
  fields: { ...FRONTLINE_FIELDS, ...SERVICE_FIELDS },
  check: FRONTLINE_RULES,
  notes: `${SERVICE_NOTES}
Sockets that systemd passes (LISTEN_FDS) are used instead of the ports: the first for HTTP, the second for HTTPS.`,
  run({ config }, process) {
    const { env } = process;
    const sockets = inheritedSockets(env, Deno.pid);
    const metrics = {
      part: "frontline",
      host: config.httpHost,
      from: config.metricsFrom,
      onOwnPort: config.healthPort !== undefined,
    };
    return runService("frontline", { config, process, metrics }, (service) => {
      const onReady = (): void => {
        notifyReady(env).catch((error: unknown) => {
          service.log.error("the service manager could not be notified", { error: describeError(error) });
        });
      };
      return runFrontline(config, { ...service, sockets, onReady });
    });
  },
});
