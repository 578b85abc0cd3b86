/** The workflow that starts a deployment again, as its callers see it. */
import { iface } from "@restatedev/restate-sdk/fetch";
import type { StartOrder, StartOutcome } from "../../internal/workflows/messages.ts";
import { START_SERVICE } from "../../internal/workflows/names.ts";

/**
 * Starts one deployment, and lets it serve if that was asked for; the shared handlers wake it and cancel it.
 *
 * One workflow per start, known by an id that its caller makes: the environment's routing object is not held while a
 * start waits for instances, so deploys and other rollbacks go on meanwhile.
 */
export const StartService = iface.workflow(START_SERVICE, {
  run: iface.json<StartOrder, StartOutcome>(),
  /** Something about the deployment's instances changed. */
  instancesChanged: iface.shared.json<void, void>(),
  cancel: iface.shared.json<void, void>(),
});
