import assert from "node:assert/strict";
import { join } from "node:path";
import { transact } from "../../../pkg/db/mod.ts";
import { isFault } from "../../../pkg/fault/mod.ts";
import {
  appendChanges,
  findDeployment,
  findOldestChange,
  findRegionVersion,
  moveStatus,
  restoredVersion,
} from "../internal/store/mod.ts";
import { seedDeployment, seedProject } from "../internal/store/testing.ts";
import { runBackup, runRestore } from "./run.ts";
import { Bed, fill, KINDS, picture, process } from "./testing.ts";

Deno.test("every row of a database comes back, in a database of either kind", async (t) => {
  for (const from of KINDS) {
    for (const to of KINDS) {
      await t.step(`${from} to ${to}`, async () => {
        await using bed = new Bed();
        const [source, target] = [await bed.url(from), await bed.url(to)];
        const db = await bed.open(source);
        await fill(db);
        const folder = join(await bed.folder(), "backup");
        await runBackup({ databasePrimary: source }, folder, process);
        for await (const { name } of Deno.readDir(folder)) {
          const { mode } = await Deno.stat(join(folder, name));
          assert.equal((mode ?? 0) & 0o077, 0, `${name} is for its owner only`);
        }
        const { unfinished } = await runRestore({ databasePrimary: target }, folder, process);
        assert.deepEqual(unfinished, []);
        assert.deepEqual(await picture(await bed.open(target)), await picture(db));
      });
    }
  }
});

Deno.test("a table of many pages is read whole, by each key, while other processes write", async (t) => {
  for (const kind of KINDS) {
    await t.step(kind, async () => {
      await using bed = new Bed();
      const source = await bed.url(kind);
      const db = await bed.open(source);
      const { id } = await seedDeployment(db, await seedProject(db));
      const event = (deployment: string, sequence: number) => ({
        deployment_id: deployment,
        sequence,
        kind: "log" as const,
        payload: "{}",
        created_at: sequence,
      });
      for (const deployment of [id, "d_a", "d_z"]) {
        const events = Array.from({ length: 350 }, (_, at) => event(deployment, at + 100));
        await db.kysely.insertInto("deployment_events").values(events).execute();
      }
      let isOver = false;
      const writing = (async () => {
        for (let sequence = 1_000; !isOver; sequence++) {
          await db.kysely.insertInto("deployment_events").values(event("d_later", sequence)).execute();
          // SQLite answers at once, and would leave no turn for files.
          await new Promise((resolve) => setTimeout(resolve));
        }
      })();
      const folder = join(await bed.folder(), "backup");
      const { tables } = await runBackup({ databasePrimary: source }, folder, process);
      isOver = true;
      await writing;
      const rows = tables.find(({ name }) => name === "deployment_events")?.rows ?? 0;
      assert.ok(rows >= 1_050, `${rows} rows`);
      await runRestore({ databasePrimary: await bed.url("sqlite") }, folder, process);
    });
  }
});

Deno.test("after a restore unfinished deployments have failed, and the feed is ahead of all that was given out", async (t) => {
  for (const kind of KINDS) {
    await t.step(kind, async () => {
      await using bed = new Bed();
      const source = await bed.url(kind);
      const db = await bed.open(source);
      const seed = await seedProject(db);
      const [ready, building] = [await seedDeployment(db, seed), await seedDeployment(db, seed)];
      const nowMs = process.clock.now();
      await transact(db, async (tx) => {
        await moveStatus(tx, { id: ready.id, from: ["pending"], to: "ready", nowMs });
        await moveStatus(tx, { id: building.id, from: ["pending"], to: "building", nowMs });
        await appendChanges(tx, "eu-1", [{ resourceType: "deployment", resourceId: ready.id }], nowMs);
      });
      const folder = join(await bed.folder(), "backup");
      await runBackup({ databasePrimary: source }, folder, process);
      const target = await bed.url(kind);
      const { unfinished } = await runRestore({ databasePrimary: target }, folder, process);
      const restored = await bed.open(target);
      assert.deepEqual(unfinished, [building.id]);
      const rows = await Promise.all([ready, building].map(({ id }) => findDeployment(restored.kysely, id)));
      assert.deepEqual(rows.map((row) => row?.status), ["ready", "failed"]);
      assert.match(rows[1]?.error_message ?? "", /restored from a backup.*Deploy it again/);
      assert.ok(await findRegionVersion(restored.kysely, "eu-1") >= restoredVersion(nowMs));
      assert.equal(await findOldestChange(restored.kysely, "eu-1"), undefined, "no cursor can be resumed");
    });
  }
});

Deno.test("a restored feed is ahead of a feed that was restored a second before, and of all changes since", () => {
  const nowMs = process.clock.now();
  assert.ok(restoredVersion(nowMs + 1_000) >= restoredVersion(nowMs) + 1_000_000);
  assert.ok(restoredVersion(Date.UTC(2240, 0)) < Number.MAX_SAFE_INTEGER);
});

Deno.test("a restore refuses a backup that it cannot restore completely", async (t) => {
  await using bed = new Bed();
  const source = await bed.url("sqlite");
  await seedProject(await bed.open(source));
  const backup = async (): Promise<string> => {
    const folder = join(await bed.folder(), "backup");
    await runBackup({ databasePrimary: source }, folder, process);
    return folder;
  };
  const refused = (restoring: Promise<unknown>, text: RegExp) =>
    assert.rejects(restoring, (error) => isFault(error, "failed_precondition") && text.test(error.message));
  const restore = async (folder: string) =>
    await runRestore({ databasePrimary: await bed.url("sqlite") }, folder, process);

  await t.step("a database with rows", async () => {
    await refused(runRestore({ databasePrimary: source }, await backup(), process), /has rows already \(in /);
  });
  await t.step("a folder that is no backup, as one that was not written to its end", async () => {
    const folder = await backup();
    await Deno.remove(join(folder, "manifest.json"));
    await refused(restore(folder), /is no backup/);
  });
  await t.step("rows that were changed, cut or removed", async () => {
    const [changed, cut, removed] = [await backup(), await backup(), await backup()];
    const manifest = join(changed, "manifest.json");
    await Deno.writeTextFile(
      manifest,
      (await Deno.readTextFile(manifest)).replaceAll(/"sha256": "./g, '"sha256": "x'),
    );
    await Deno.truncate(join(cut, "projects.ndjson.gz"), 20);
    await Deno.remove(join(removed, "projects.ndjson.gz"));
    for (const folder of [changed, cut, removed]) await refused(restore(folder), /is damaged/);
  });
  await t.step("a backup of a newer release", async () => {
    const folder = await backup();
    const manifest = join(folder, "manifest.json");
    const text = await Deno.readTextFile(manifest);
    await Deno.writeTextFile(manifest, text.replace('"name": "audit_log"', '"name": "later"'));
    await Deno.rename(join(folder, "audit_log.ndjson.gz"), join(folder, "later.ndjson.gz"));
    await refused(restore(folder), /of a newer unkey \(it has later\)/);
    await Deno.writeTextFile(manifest, text.replace('"0001_base"', '"0001_base", "9999_later"'));
    await refused(restore(folder), /of a newer unkey \(it has 9999_later\)/);
  });
  await t.step("a backup into a folder with files", async () => {
    const folder = await backup();
    await refused(runBackup({ databasePrimary: source }, folder, process), /is not empty/);
  });
});
