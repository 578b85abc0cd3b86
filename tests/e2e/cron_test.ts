/** Commands that run by the clock, on the whole platform, which dies around their times. */
import assert from "node:assert/strict";
import { Secret } from "../../pkg/config/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { openCtrlDatabase } from "../../svc/ctrl/internal/store/mod.ts";
import { LocalPlatform } from "../testbed/local.ts";
import { eventually } from "../testbed/wait.ts";

/** Prints something that no other run prints, so that runs can be counted. */
const RAN = 'echo "ran $(cat /proc/sys/kernel/random/uuid)"';
const PLACE = ["--project", "app", "--env", "production"];

interface ListedRun {
  readonly id: string;
  readonly state: string;
  readonly plannedAt?: number;
}

/** An app in production with a cron whose own time is far away. */
async function deployApp(platform: LocalPlatform): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: platform.directory, prefix: "app-" });
  const serve = `CMD ["sh", "-c", "trap 'exit 0' TERM; httpd -f -p \\"$PORT\\" & wait"]`;
  await Deno.writeTextFile(`${folder}/Dockerfile`, `FROM busybox:stable\n${serve}\n`);
  const crons = [{ name: "yearly", schedule: "@yearly", command: `test -n "$PORT" && ${RAN}` }];
  await Deno.writeTextFile(`${folder}/unkey.json`, JSON.stringify({ crons }));
  const { code, stdout, stderr } = await platform.unkey(["deploy", folder, ...PLACE]);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stderr, /Its crons hold from now on: yearly/);
}

/** Sets the next time of the cron, in place of waiting for a full minute, and returns it. */
async function planIn(platform: LocalPlatform, ms: number): Promise<number> {
  const url = new Secret(`sqlite://${platform.directory}/data/unkey.db`);
  const db = await openCtrlDatabase(url, { migrate: false, log: silentLogger() });
  try {
    const plannedAt = Date.now() + ms;
    await db.kysely.updateTable("crons").set({ planned_at: plannedAt }).where("name", "=", "yearly")
      .execute();
    return plannedAt;
  } finally {
    await db.close();
  }
}

async function runsOf(platform: LocalPlatform): Promise<readonly ListedRun[]> {
  const { stdout } = await platform.unkey(["list", "runs", "--cron", "yearly", "--json"]);
  const { runs }: { readonly runs: readonly ListedRun[] } = JSON.parse(stdout);
  return runs;
}

Deno.test("a cron runs once for each planned time, whatever of the platform dies around it", async (t) => {
  await using platform = await LocalPlatform.create();
  await platform.start();
  await deployApp(platform);
  const planned: number[] = [];

  await t.step("its run has the output of its command, and the list its next time", async () => {
    planned.push(await planIn(platform, 500));
    await eventually("its run", async () => (await runsOf(platform))[0]?.state === "succeeded");
    const [run] = await runsOf(platform);
    await eventually("its output", async () => {
      const { stdout } = await platform.unkey(["logs", run?.id ?? ""]);
      return (stdout.match(/ran [0-9a-f-]{36}/g) ?? []).length === 1;
    });
    const { crons: [cron] } = JSON.parse((await platform.unkey(["list", "crons", "--json"])).stdout);
    assert.deepEqual([cron.name, cron.lastRun.id], ["yearly", run?.id]);
    assert.ok(cron.nextAt > Date.now());
  });

  for (const [name, leadMs] of [["before its time", 2_000], ["at its time", 300]] as const) {
    await t.step(`all processes die ${name}, and it runs once when they are back`, async () => {
      const plannedAt = await planIn(platform, leadMs);
      planned.push(plannedAt);
      if (leadMs < 1_000) await eventually("its time", () => Promise.resolve(Date.now() >= plannedAt));
      await platform.stop("SIGKILL");
      await eventually("its time", () => Promise.resolve(Date.now() >= plannedAt));
      await platform.start();
      await eventually("its run", async () => {
        const runs = await runsOf(platform);
        return runs.length === planned.length && runs[0]?.state === "succeeded";
      });
    });
  }

  await t.step("each planned time has one run, also after a pause, and one by hand has none", async () => {
    assert.deepEqual((await runsOf(platform)).map((run) => run.plannedAt), planned.toReversed());
    assert.equal((await platform.unkey(["crons", "pause", "yearly", ...PLACE])).code, 0);
    const byHand = await platform.unkey(["run", "--cron", "yearly", ...PLACE]);
    assert.deepEqual([byHand.code, /^ran [0-9a-f-]{36}\n$/.test(byHand.stdout)], [0, true], byHand.stderr);
    assert.equal((await runsOf(platform))[0]?.plannedAt, undefined);
    const { stdout } = await platform.unkey(["list", "crons"]);
    assert.match(stdout, /^yearly +app +production +@yearly +paused +succeeded/m);
    assert.equal((await platform.unkey(["crons", "resume", "yearly", ...PLACE])).code, 0);
  });
});
