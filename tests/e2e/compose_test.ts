/** `docs/operate/compose.md`, followed word by word with the real Docker Compose on Docker Engine 29. */
import { canRun, runCommand } from "../../pkg/testkit/commands.ts";
import { hasMysqlServer } from "../../pkg/testkit/mariadb.ts";
import { canStartEngine } from "../../pkg/testkit/private_engine.ts";
import { runScenario } from "./step_lines.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const SCENARIO = `${ROOT}tests/e2e/compose/scenario.ts`;
const PARTS = ["docker_cli", "compose", "buildx", "versitygw", "registry"];

const CAN_RUN = hasMysqlServer() && await canStartEngine("29") && await canRun([
  ["iptables", "--version"],
  ["curl", "--version"],
  ["unshare", "--version"],
]);

Deno.test({
  name: "the platform is started, used, restarted and removed with Docker Compose",
  ignore: !CAN_RUN,
  async fn(t) {
    // The scenario has no network to get them by.
    for (const part of PARTS) await runCommand(`${ROOT}dev/parts/${part}.sh`);
    // The ports of the page are free in a network that nothing else is in.
    await runScenario(t, SCENARIO);
  },
});
