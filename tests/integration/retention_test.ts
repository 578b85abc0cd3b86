/** A million old rows leave a MariaDB in small statements that find their rows by an index, while others write. */
import assert from "node:assert/strict";
import { transact } from "../../pkg/db/mod.ts";
import { hasMysqlServer } from "../../pkg/testkit/mariadb.ts";
import { RetentionBed, type RetentionSize } from "../bench/retention_bed.ts";
import { heaviest, scansOf } from "../bench/statement_log.ts";

const SIZE: RetentionSize = {
  over: 400,
  running: 3_000,
  eventsEach: 500,
  blocksEach: 300,
  spansEach: 100,
  oldAudit: 100_000,
  youngAudit: 20_000,
  oldChanges: 550_000,
  youngChanges: 50_000,
};
/** Rows that one statement may remove, and rows that it may read for that. */
const REMOVED_MAX = 1_000;
const READ_MAX = 2_000;
/** Rows that one call of the compaction may remove: the next one goes on. */
const COMPACTED_MAX = 200_000;

Deno.test({
  name: "old rows leave in small statements by an index, and writers go on",
  ignore: !hasMysqlServer(),
  fn: async (t) => {
    await using bed = await RetentionBed.start(SIZE);

    await t.step("no writer waits for the rows that a batch has locked", async () => {
      await transact(bed.db, async (tx) => {
        await bed.compact(tx);
        await bed.write();
      });
    });

    await t.step("writers beside the sweeps write without a failure", async () => {
      const writes = await bed.besideWriters(async () => {
        for (let left = SIZE.oldChanges; left > COMPACTED_MAX; left -= COMPACTED_MAX) {
          assert.ok(await bed.compact() <= COMPACTED_MAX);
        }
        await bed.sweepAudit();
        await bed.sweepOutput();
      });
      assert.deepEqual(writes.failures, []);
      assert.ok(writes.count > 0);
    });

    await t.step("all old rows are gone, and no others", async () => {
      assert.equal(await bed.count("state_changes", "created_at = 1"), 0);
      assert.ok(await bed.count("state_changes") >= SIZE.youngChanges);
      assert.equal(await bed.count("audit_log", "id like 'old_%'"), 0);
      assert.equal(await bed.count("audit_log", "id like 'young_%'"), SIZE.youngAudit);
      const old = "deployment_id like 'd_old_%'";
      for (const table of ["log_blocks", "deployment_spans", "deployment_traces"]) {
        assert.equal(await bed.count(table, old), 0, table);
      }
      assert.equal(await bed.count("deployment_events", `${old} and kind = 'log'`), 0);
      assert.equal(await bed.count("deployment_events", `${old} and kind = 'notice'`), SIZE.over);
      assert.equal(await bed.count("deployments", "output_removed_at is not null"), SIZE.over);
    });

    await t.step("looks for unused content find a full page", async () => {
      assert.deepEqual(await bed.lookForContent(50), [50, 50, 50]);
    });

    const statements = await bed.statements();
    await t.step("no statement removes or reads many rows", () => {
      assert.ok(statements.length > SIZE.over);
      const heavy = heaviest(statements).filter(({ affected, examined }) =>
        affected > REMOVED_MAX || examined > READ_MAX
      );
      assert.deepEqual(heavy, []);
      const most = Math.max(...statements.map(({ affected }) => affected));
      assert.equal(most, REMOVED_MAX, "the numbers are those of the sweeps");
    });

    await t.step("each form of statement finds its rows by an index", async () => {
      const forms = heaviest(statements);
      assert.ok(forms.length >= 15, `${forms.length} forms`);
      const scans: string[] = [];
      for (const each of forms) {
        const tables = await scansOf(bed.db, each);
        if (tables.length > 0) scans.push(`${tables.join(", ")}: ${each.form}`);
      }
      assert.deepEqual(scans, []);
    });
  },
});
