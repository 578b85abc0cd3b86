import assert from "node:assert/strict";
import { openLogFile } from "./log_file.ts";

/** A file system of 64 KiB in memory; only root may make one. */
class SmallDisk implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async mount(): Promise<SmallDisk> {
    const path = await Deno.makeTempDir({ prefix: "unkey-small-disk-" });
    try {
      await run("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", path]);
      return new SmallDisk(path);
    } catch (error) {
      await Deno.remove(path);
      throw error;
    }
  }

  /** Writes to a file until nothing more fits. */
  fill(): void {
    const file = Deno.openSync(`${this.path}/filler`, { append: true, create: true });
    try {
      for (const size of [4_096, 1]) {
        try {
          while (true) file.writeSync(new Uint8Array(size));
        } catch (error) {
          assert.match(`${error}`, /No space left/);
        }
      }
    } finally {
      file.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Lazily: a file that a failed test left open must not keep it.
    await run("umount", ["-l", this.path]);
    await Deno.remove(this.path);
  }
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args: [...args], stdin: "null" }).output();
  if (!success) throw new Error(`${command}: ${new TextDecoder().decode(stderr).trim()}`);
}

Deno.test({
  name: "a log file on a full disk loses lines, says so when there is space again, and stays readable",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0,
  fn: async () => {
    await using disk = await SmallDisk.mount();
    using file = openLogFile(`${disk.path}/up.log`, "info");
    const [api, edge] = [file.logger("ctrl-api"), file.logger("frontline")];
    api.info("before");
    disk.fill();
    // Those that still fit into the block of the first line are written, the one after them in part.
    for (let count = 0; count < 100; count++) edge.warn("request failed", { text: "x".repeat(100) });
    await Deno.remove(`${disk.path}/filler`);
    api.info("after");
    const lines = (await Deno.readTextFile(`${disk.path}/up.log`)).trimEnd().split("\n").map(parsed);
    const whole = lines.filter((line) => line?.["event"] === "request failed").length;
    assert.ok(whole > 0 && whole < 100, `${whole} lines`);
    assert.ok(lines.filter((line) => line === undefined).length <= 1, "only one line may be cut");
    const [lost, last] = lines.slice(-2);
    assert.deepEqual([lost?.["event"], lost?.["lines"]], ["log lines lost", 100 - whole]);
    assert.deepEqual([last?.["event"], last?.["service"]], ["after", "ctrl-api"]);
  },
});

Deno.test(
  "a log file that takes nothing does not fail its writers",
  { ignore: Deno.build.os !== "linux" },
  () => {
    using file = openLogFile("/dev/full", "info");
    file.logger("ctrl-api").error("gate failed");
  },
);

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
