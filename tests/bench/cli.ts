/** Start-up of the command line, and the size of the executable. */
import { BOUNDS } from "./bounds.ts";
import { quantile, type Row } from "./row.ts";

const EXECUTABLE = new URL("../../dist/unkey", import.meta.url).pathname;
const ROUNDS = 15;

/** Measures `dist/unkey`, which `deno task compile` makes. */
export async function benchCli(): Promise<Row[]> {
  const info = await Deno.stat(EXECUTABLE).catch(() => undefined);
  const missing = 'run "deno task compile" first';
  if (info === undefined) {
    return [
      { measure: "unkey --help, executable", bound: BOUNDS.helpMs, measured: missing, ok: undefined },
      { measure: "size of the executable", bound: BOUNDS.executableMb, measured: missing, ok: undefined },
    ];
  }
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    const { success } = await new Deno.Command(EXECUTABLE, { args: ["--help"] }).output();
    if (!success) throw new Error(`${EXECUTABLE} --help failed`);
    times.push(performance.now() - started);
  }
  const median = quantile(times, 0.5);
  const megabytes = info.size / 1e6;
  return [
    {
      measure: "unkey --help, executable (median)",
      bound: BOUNDS.helpMs,
      measured: `${median.toFixed(0)} ms`,
      ok: median < BOUNDS.helpMs.limit,
    },
    {
      measure: "size of the executable",
      bound: BOUNDS.executableMb,
      measured: `${megabytes.toFixed(1)} MB`,
      ok: megabytes < BOUNDS.executableMb.limit,
    },
  ];
}
