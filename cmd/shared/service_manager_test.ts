import assert from "node:assert/strict";
import { notifyReady } from "./service_manager.ts";

const HAS_SYSTEMD = await Deno.stat("/usr/bin/systemd-notify").then(() => true, () => false);

Deno.test("without a service manager nothing is sent", async () => {
  await notifyReady(() => undefined);
  await notifyReady(() => "");
});

/** A service that is never ready would be ended by systemd: the reason must be seen. */
Deno.test({
  name: "a message that does not reach the service manager is an error",
  ignore: !HAS_SYSTEMD,
  fn: () => assert.rejects(notifyReady(() => "/run/systemd/notify"), /systemd-notify failed: /),
});
