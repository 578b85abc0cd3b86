/** `unkey up`: time to ready, deploy times of `examples/hello`, and memory at rest. */
// deno-lint-ignore-file no-console -- prints a table when run alone
import { descendants, residentMib } from "./memory.ts";
import { machine, renderTable, type Row } from "./row.ts";
import { LocalPlatform } from "../testbed/local.ts";

const HELLO = new URL("../../examples/hello", import.meta.url).pathname;

/** Measures with warm caches: the first start and deploy only fill them. */
export async function benchUp(): Promise<Row[]> {
  const rows: Row[] = [];
  await using platform = await LocalPlatform.create();
  await platform.start();
  await platform.stop();
  const readyMs = await timed(() => platform.start());
  rows.push(below("unkey up, warm caches, to ready", 10_000, readyMs));

  const app = await platform.copy(HELLO);
  const first = await timed(() => platform.deploy([app]));
  rows.push(below("deploy of examples/hello, first", 6_000, first));
  rows.push(below("the same, unchanged source", 2_000, await timed(() => platform.deploy([app]))));
  const image = await platform.prebuilt();
  rows.push(below("the same, prebuilt image", 2_000, await timed(() => platform.deploy(["--image", image]))));

  const own = await residentMib(platform.pid);
  const others = await Promise.all((await descendants(platform.pid)).map((pid) => residentMib(pid)));
  rows.push({
    measure: "all-in-one process, idle, without Restate",
    bound: "< 250 MiB",
    measured: `${own.toFixed(0)} MiB (Restate: ${
      others.reduce((sum, each) => sum + each, 0).toFixed(0)
    } MiB)`,
    ok: own < 250,
  });
  return rows;
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await action();
  return performance.now() - started;
}

function below(measure: string, boundMs: number, ms: number): Row {
  return {
    measure,
    bound: `< ${boundMs / 1000} s`,
    measured: `${(ms / 1000).toFixed(2)} s`,
    ok: ms < boundMs,
  };
}

if (import.meta.main) console.log(renderTable(await benchUp(), machine()));
