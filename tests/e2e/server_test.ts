/** A server of one's own, from its installation to its end: a bare Debian 12 whose own systemd runs the service. */
import { systemClock } from "../../pkg/clock/mod.ts";
import { findRestateServer } from "../../pkg/restate_server/mod.ts";
import { canRun, PARTS_CACHE, runCommand } from "../../pkg/testkit/commands.ts";
import { hasKnot } from "../../pkg/testkit/knot.ts";
import { hasPebble } from "../../pkg/testkit/pebble.ts";
import { canStartEngine } from "../../pkg/testkit/private_engine.ts";
import { runScenario } from "./step_lines.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const SCENARIO = `${ROOT}tests/e2e/server/scenario.ts`;
const GET_MS = 300_000;

const CAN_RUN = hasPebble() && hasKnot() && await canStartEngine() && await hasRoot() &&
  await canRun([["unshare", "--version"], ["nsenter", "--version"]]);

/** The bare Debian is there, or can be made. */
async function hasRoot(): Promise<boolean> {
  const isMade = await Deno.stat(`${PARTS_CACHE}/debian-12-root-1`).then(() => true, () => false);
  return isMade || await canRun([["debootstrap", "--version"]]);
}

Deno.test({
  name: "a server of one's own is installed, serves by name, is upgraded, restarted and uninstalled",
  ignore: !CAN_RUN,
  async fn(t) {
    // The scenario has no network to get them by.
    await runCommand(`${ROOT}dev/parts/debian_root.sh`);
    await findRestateServer({
      env: (name) => Deno.env.get(name),
      clock: systemClock(),
      signal: AbortSignal.timeout(GET_MS),
    });
    // Its ports, addresses and rules are those of a network that nothing else is in.
    await runScenario(t, SCENARIO);
  },
});
