import assert from "node:assert/strict";
import { end, isAlive, launch, untilReady } from "./daemon.ts";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-daemon-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a program that ends before it is ready is reported with the end of its log", () =>
  inFolder(async (folder) => {
    const daemon = await launch({
      name: "thing",
      command: "sh",
      args: ["-c", "echo reading settings; echo cannot bind port 80; sleep 0.2; exit 1"],
      env: {},
      logFile: `${folder}/thing.log`,
    });
    await assert.rejects(untilReady(daemon, () => Promise.resolve(false)), (error: Error) => {
      assert.match(error.message, /^thing ended\./);
      assert.match(error.message, new RegExp(`${folder}/thing.log`));
      assert.match(error.message, /\| reading settings\n {2}\| cannot bind port 80$/);
      return true;
    });
  }));

Deno.test("a program that does not exist is named", () =>
  inFolder(async (folder) => {
    const program = {
      name: "thing",
      command: `${folder}/thing`,
      args: [],
      env: {},
      logFile: `${folder}/thing.log`,
    };
    await assert.rejects(launch(program), /ENOENT|NotFound|No such file/);
  }));

Deno.test("only the very process is ended, not another with its id", () =>
  inFolder(async (folder) => {
    const daemon = await launch({
      name: "sleeper",
      command: "sleep",
      args: ["600"],
      env: {},
      logFile: `${folder}/sleeper.log`,
    });
    const other = { ...daemon, startedTicks: String(Number(daemon.startedTicks) - 1) };
    assert.equal(isAlive(other), false);
    await end(other);
    assert.equal(isAlive(daemon), true);
    await end(daemon);
    assert.equal(isAlive(daemon), false);
  }));
