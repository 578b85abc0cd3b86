/**
 * Removal of more than two million old rows while others write: rows per second, and the longest statement.
 * `deno task bench retention`
 */
import { hasMysqlServer } from "../../pkg/testkit/mariadb.ts";
import { RetentionBed, type RetentionSize, type Writes } from "./retention_bed.ts";
import type { Row } from "./row.ts";

const SIZE: RetentionSize = {
  over: 2_000,
  running: 10_000,
  eventsEach: 500,
  blocksEach: 100,
  spansEach: 100,
  oldAudit: 500_000,
  youngAudit: 100_000,
  oldChanges: 1_000_000,
  youngChanges: 100_000,
};

export async function benchRetention(): Promise<Row[]> {
  if (!hasMysqlServer()) return [{ measure: "retention needs MariaDB", measured: "-", ok: undefined }];
  await using bed = await RetentionBed.start(SIZE);
  const feed = await measure(bed, async () => {
    while (await bed.compact() > 0);
  });
  const audit = await measure(bed, () => bed.sweepAudit());
  const output = await measure(bed, () => bed.sweepOutput());
  return [row("changes of the feed", feed), row("audit log", audit), row("output and traces", output)];
}

interface Measured {
  readonly tookMs: number;
  readonly removed: number;
  readonly longestMs: number;
  readonly statements: number;
  readonly writes: Writes;
}

async function measure(bed: RetentionBed, work: () => Promise<void>): Promise<Measured> {
  const before = (await bed.statements()).length;
  const startedMs = performance.now();
  const writes = await bed.besideWriters(work);
  const tookMs = performance.now() - startedMs;
  const statements = (await bed.statements()).slice(before);
  const deletions = statements.filter(({ text }) => /^delete/i.test(text));
  return {
    tookMs,
    removed: deletions.reduce((sum, { affected }) => sum + affected, 0),
    longestMs: Math.max(...statements.map(({ ms }) => ms)),
    statements: statements.length,
    writes,
  };
}

function row(what: string, { tookMs, removed, longestMs, statements, writes }: Measured): Row {
  const perSecond = Math.round(removed / (tookMs / 1_000));
  return {
    measure: `old rows removed beside ${writes.count} writes: ${what}`,
    measured:
      `${removed} rows, ${perSecond}/s, ${statements} statements, longest ${longestMs.toFixed(0)} ms; ` +
      `writes: ${writes.failures.length} failed, longest ${writes.longestMs.toFixed(0)} ms`,
    ok: undefined,
  };
}
