/** A preview that sleeps, on Docker: the time to its first answer, and a thousand requests that wait for it. */
// deno-lint-ignore-file no-console -- prints a table when run alone
import { SleepingApp } from "../testbed/sleeping_app.ts";
import { BOUNDS } from "./bounds.ts";
import { loadAverage, report, type Row } from "./row.ts";

const ROUNDS = 3;
const WAITING = 1_000;

export async function benchWake(): Promise<Row[]> {
  await using app = await SleepingApp.start();
  const rows: Row[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    await app.fallAsleep();
    const { served, firstMs, failed } = await app.burst(1);
    if (failed.length > 0) console.error(failed.join("\n"));
    rows.push({
      measure: `wake -> first answer, round ${round}`,
      bound: BOUNDS.wakeMs,
      measured: `${(firstMs / 1_000).toFixed(2)} s. ${loadAverage()}`,
      ok: served === 1 && firstMs < BOUNDS.wakeMs.limit,
    });
  }
  await app.fallAsleep();
  const { served, firstMs, lastMs, failed } = await app.burst(WAITING);
  if (failed.length > 0) console.error(failed.join("\n"));
  const times = `the first after ${(firstMs / 1_000).toFixed(2)} s, the last after ${
    (lastMs / 1_000).toFixed(2)
  } s`;
  rows.push({
    measure: `wake -> ${WAITING} waiting requests that failed`,
    bound: BOUNDS.wakeFailed,
    measured: `${WAITING - served}; ${times}. ${loadAverage()}`,
    ok: served === WAITING,
  });
  return rows;
}

if (import.meta.main) report(await benchWake());
