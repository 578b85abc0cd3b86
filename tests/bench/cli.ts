/** Start-up of the command line, and the size of the executable. */
import { quantile, type Row } from "./row.ts";

const EXECUTABLE = new URL("../../dist/unkey", import.meta.url).pathname;
const ROUNDS = 15;
const HELP_MS_MAX = 100;
const SIZE_MB_MAX = 110;

/** Measures `dist/unkey`, which `deno task compile` makes. */
export async function benchCli(): Promise<Row[]> {
  const info = await Deno.stat(EXECUTABLE).catch(() => undefined);
  const missing = 'run "deno task compile" first';
  if (info === undefined) {
    return [
      { measure: "unkey --help, executable", bound: `< ${HELP_MS_MAX} ms`, measured: missing, ok: undefined },
      { measure: "size of the executable", bound: `< ${SIZE_MB_MAX} MB`, measured: missing, ok: undefined },
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
      bound: `< ${HELP_MS_MAX} ms`,
      measured: `${median.toFixed(0)} ms`,
      ok: median < HELP_MS_MAX,
    },
    {
      measure: "size of the executable",
      bound: `< ${SIZE_MB_MAX} MB`,
      measured: `${megabytes.toFixed(1)} MB`,
      ok: megabytes < SIZE_MB_MAX,
    },
  ];
}
