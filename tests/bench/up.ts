/** `unkey up`: time to ready, deploy times of `examples/hello`, and memory at rest. */
import { type Bound, BOUNDS } from "./bounds.ts";
import { descendants, residentMib } from "./memory.ts";
import { report, type Row } from "./row.ts";
import { LocalPlatform } from "../testbed/local.ts";

const HELLO = new URL("../../examples/hello", import.meta.url).pathname;

/** Measures with warm caches: the first start and deploy only fill them. */
export async function benchUp(): Promise<Row[]> {
  const rows: Row[] = [];
  await using platform = await LocalPlatform.create();
  await platform.start();
  await platform.stop();
  const readyMs = await timed(() => platform.start());
  rows.push(below("unkey up, warm caches, to ready", BOUNDS.upReadyMs, readyMs));

  const app = await platform.copy(HELLO);
  const first = await timed(() => platform.deploy([app]));
  rows.push(below("deploy of examples/hello, first", BOUNDS.firstDeployMs, first));
  rows.push(
    below("the same, unchanged source", BOUNDS.nextDeployMs, await timed(() => platform.deploy([app]))),
  );
  const image = await platform.prebuilt();
  rows.push(
    below(
      "the same, prebuilt image",
      BOUNDS.nextDeployMs,
      await timed(() => platform.deploy(["--image", image])),
    ),
  );

  const own = await residentMib(platform.pid);
  const others = await Promise.all((await descendants(platform.pid)).map((pid) => residentMib(pid)));
  rows.push({
    measure: "all-in-one process, idle, without Restate",
    bound: BOUNDS.allInOneMib,
    measured: `${own.toFixed(0)} MiB (Restate: ${
      others.reduce((sum, each) => sum + each, 0).toFixed(0)
    } MiB)`,
    ok: own < BOUNDS.allInOneMib.limit,
  });
  return rows;
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await action();
  return performance.now() - started;
}

function below(measure: string, bound: Bound, ms: number): Row {
  return {
    measure,
    bound,
    measured: `${(ms / 1000).toFixed(2)} s`,
    ok: ms < bound.limit,
  };
}

if (import.meta.main) report(await benchUp());
