/** Gradual switches under load: no request may fail, and a version with errors is aborted soon after enough evidence. */
// deno-lint-ignore-file no-console -- prints a table when run alone
import { GradualState } from "../../proto/gen/ctrl/v1/gradual_switch_pb.ts";
import { GradualLoad } from "../testbed/gradual_load.ts";
import { eventually } from "../testbed/wait.ts";
import { BOUNDS } from "./bounds.ts";
import { report, type Row } from "./row.ts";

const SWITCHES = 100;
const PAUSE_MS = 5;
/** The gate needs so many failed requests. */
const FAILED_MIN = 5;

/** Moves the traffic there and back in two steps each, and then begins one to a version with 5 % errors. */
export async function benchGradual(switches = SWITCHES): Promise<Row[]> {
  return [await benchSwitches(switches), await benchAbort()];
}

async function benchSwitches(switches: number): Promise<Row> {
  await using load = await GradualLoad.start({ failPercent: 0, pauseMs: PAUSE_MS });
  const ids = [load.next.id, load.live.id];
  let completed = 0;
  for (let made = 0; made < switches; made++) {
    const { state, reason } = await load.move(ids[made % 2] ?? "");
    if (state === GradualState.COMPLETED) completed++;
    else console.error(reason);
  }
  const receipts = (await load.switches()).flatMap(({ receipt }) => receipt === undefined ? [] : [receipt]);
  const inReceipts = receipts.reduce(
    (sum, each) => sum + each.failedByEdge + each.failedByFormer + each.failedByTarget,
    0n,
  );
  if (load.failed.length > 0) console.error(load.failed.slice(0, 20).join("\n"));
  const { asked } = load.lanes;
  return {
    measure: `requests failed during ${switches} gradual switches, and by their ${receipts.length} receipts`,
    bound: BOUNDS.gradualFailed,
    measured: `${load.failed.length} in ${asked}, ${inReceipts} by receipts, ${completed} completed`,
    ok: load.failed.length === 0 && inReceipts === 0n && completed === switches,
  };
}

async function benchAbort(): Promise<Row> {
  await using load = await GradualLoad.start({ failPercent: 5, pauseMs: PAUSE_MS });
  const order = { targetDeploymentId: load.next.id, steps: [10, 50], everyMs: 3_600_000n };
  const gradualSwitchId = (await load.client.beginGradualSwitch(order)).gradualSwitch?.id ?? "";
  const read = async () => (await load.client.getGradualSwitch({ gradualSwitchId })).gradualSwitch;
  await eventually("the abort", async () => (await read())?.state !== GradualState.RUNNING, {
    everyMs: 500,
    deadlineMs: 120_000,
  });
  const ended = await read();
  const tookMs = Number(ended?.endedAt ?? 0n) - (load.meantAtMs[FAILED_MIN - 1] ?? 0);
  return {
    measure: "fifth failed request of a version with 5 % errors -> all requests to the live version again",
    bound: BOUNDS.gradualAbortMs,
    measured: `${(tookMs / 1_000).toFixed(1)} s: ${ended?.reason}`,
    ok: ended?.state === GradualState.ABORTED && tookMs < BOUNDS.gradualAbortMs.limit &&
      load.failed.length === 0,
  };
}

if (import.meta.main) report(await benchGradual());
