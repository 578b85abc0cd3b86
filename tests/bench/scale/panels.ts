/** The curves of a run. */
import { quantile } from "../row.ts";
import type { Panel, Series } from "./chart.ts";
import { spent } from "./costs.ts";
import { PHASES } from "./phases.ts";
import type { ScaleResult } from "./run.ts";

const MINUTE_MS = 60_000;
/** A run of a few minutes has points for parts of a minute. */
const SHORT_MS = 5 * MINUTE_MS;
const SHORT_BIN_MS = 10_000;

/** Deploys and their times, memory, processor, and the database's load, over the minutes of the run. */
export function panelsOf(result: ScaleResult): readonly Panel[] {
  return [
    { title: "Throughput", unit: "deploys per minute", series: throughput(result) },
    { title: "From create to switched, and to the edges", unit: "s", series: phases(result) },
    {
      title: "Memory",
      unit: "MiB",
      series: byProcess(result, ({ residentMib }) => residentMib),
    },
    { title: "Processor", unit: "% of one core", series: processor(result) },
    {
      title: "Database",
      unit: "per second",
      series: [
        rate(result, "statements", (each) => each.statements),
        rate(result, "rows written", (each) => each.rowsWritten),
        rate(result, "KiB", (each) => each.kib),
      ],
    },
    {
      title: "Database, rows read",
      unit: "per second",
      series: [rate(result, "rows read", (each) => each.rowsRead)],
    },
    {
      title: "Database, threads that run",
      unit: "threads",
      series: [{
        name: "threads",
        points: result.samples.map(({ atMs, database }) => [minutesOf(atMs), database.threadsRunning]),
      }],
    },
  ];
}

function binOf({ loadMs }: ScaleResult): number {
  return loadMs < SHORT_MS ? SHORT_BIN_MS : MINUTE_MS;
}

function throughput(result: ScaleResult): Series[] {
  const { times, beganAtMs } = result;
  const binMs = binOf(result);
  const created = times.map((each) => each.beganAtMs - beganAtMs);
  const switched = times.flatMap((each) =>
    each.ms.switched === undefined ? [] : [each.beganAtMs + each.ms.switched - beganAtMs]
  );
  return [
    { name: "created", points: perMinute(created, binMs) },
    { name: "switched", points: perMinute(switched, binMs) },
  ];
}

/** The rate of times in each bin. */
function perMinute(atMs: readonly number[], binMs: number): Series["points"] {
  return grouped(atMs, binMs, (each) => each).map((
    [minute, all],
  ) => [minute, all.length * MINUTE_MS / binMs]);
}

function phases(result: ScaleResult): Series[] {
  const { times, beganAtMs } = result;
  const shown = [PHASES[4], PHASES[5]] as const;
  return shown.flatMap((phase) => {
    const reached = times.filter(({ ms }) => ms[phase] !== undefined);
    const minutes = grouped(reached, binOf(result), (each) => each.beganAtMs - beganAtMs);
    return [0.5, 0.99].map((q): Series => ({
      name: `${phase === "switched" ? "switched" : "edges"} p${q * 100}`,
      points: minutes.map((
        [minute, all],
      ) => [minute, quantile(all.map(({ ms }) => ms[phase] ?? NaN), q) / 1_000]),
    }));
  });
}

/** By the beginnings of their bins, in minutes. */
function grouped<T>(all: readonly T[], binMs: number, atMs: (each: T) => number): [number, T[]][] {
  const minutes = new Map<number, T[]>();
  for (const each of all) {
    const minute = Math.max(0, Math.floor(atMs(each) / binMs)) * binMs / MINUTE_MS;
    minutes.set(minute, [...minutes.get(minute) ?? [], each]);
  }
  return [...minutes].toSorted(([a], [b]) => a - b);
}

type Sample = ScaleResult["samples"][number];

function byProcess(
  { samples }: ScaleResult,
  values: (sample: Sample) => Readonly<Record<string, number>>,
): Series[] {
  const [first] = samples;
  const names = first === undefined ? [] : Object.keys(values(first));
  return names.map((name) => ({
    name,
    points: samples.map((sample) => [minutesOf(sample.atMs), values(sample)[name] ?? 0]),
  }));
}

function processor({ samples }: ScaleResult): Series[] {
  const pairs = pairsOf(samples);
  const names = Object.keys(samples[0]?.processorS ?? {});
  return names.map((name) => ({
    name,
    points: pairs.map(([from, to]) => {
      const { processorMs, seconds } = spent([from, to]);
      return [minutesOf(to.atMs), (processorMs[name] ?? 0) / seconds / 10];
    }),
  }));
}

function rate(
  { samples }: ScaleResult,
  name: string,
  value: (each: ReturnType<typeof spent>) => number,
): Series {
  const points = pairsOf(samples).map(([from, to]): [number, number] => {
    const between = spent([from, to]);
    return [minutesOf(to.atMs), Math.max(0, value(between)) / between.seconds];
  });
  return { name, points };
}

function pairsOf(samples: readonly Sample[]): [Sample, Sample][] {
  return samples.slice(1).flatMap((to, index) => {
    const from = samples[index];
    return from === undefined ? [] : [[from, to] as [Sample, Sample]];
  });
}

function minutesOf(atMs: number): number {
  return atMs / MINUTE_MS;
}
