/** `docs/operate/compose.md`, followed word by word with the real Docker Compose on Docker Engine 29. */
import assert from "node:assert/strict";
import { canRun, runCommand } from "../../pkg/testkit/commands.ts";
import { hasMysqlServer } from "../../pkg/testkit/mariadb.ts";
import { canStartEngine } from "../../pkg/testkit/private_engine.ts";
import { stepLines } from "./step_lines.ts";

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
    const child = new Deno.Command("unshare", {
      args: ["--net", Deno.execPath(), "run", "-A", "--quiet", SCENARIO],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    for await (const { name, note = "", error } of stepLines(child.stdout)) {
      await t.step(note === "" ? name : `${name} (${note.split("\n")[0]})`, () => {
        if (error !== undefined) assert.fail(error);
      });
    }
    assert.equal((await child.status).code, 0);
  },
});
