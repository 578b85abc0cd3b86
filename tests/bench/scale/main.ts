/**
 * The scale run: `deno task bench:scale` measures the full size for half an hour. Each part of the size is an option;
 * `--save` and `--svg` name files for the numbers and the chart. `--burst` creates all deploys at once; `--growth` measures
 * three sizes of each part instead.
 */
// deno-lint-ignore-file no-console -- tables are its output
import { parseArgs } from "node:util";
import { loadAverage, machine } from "../row.ts";
import { renderChart } from "./chart.ts";
import { growthTable } from "./growth.ts";
import { judge } from "./judge.ts";
import { panelsOf } from "./panels.ts";
import { reportRun } from "./report.ts";
import { runScale, type ScaleResult } from "./run.ts";
import { BURST, FULL, GROWTH, type ScaleSize } from "./size.ts";

const COUNT = { type: "string" } as const;

const { values } = parseArgs({
  args: [...Deno.args],
  options: {
    regions: COUNT,
    projects: COUNT,
    deployments: COUNT,
    deploys: COUNT,
    "per-minute": COUNT,
    burst: { type: "boolean", default: false },
    growth: { type: "boolean", default: false },
    save: COUNT,
    svg: COUNT,
  },
});

function sizeOf(base: ScaleSize): ScaleSize {
  const count = (text: string | undefined, fallback: number): number => {
    const number = text === undefined ? fallback : Number(text);
    if (!Number.isInteger(number) || number < 1) throw new Error(`"${text}" is no number of things`);
    return number;
  };
  const size = {
    regions: count(values.regions, base.regions),
    projects: count(values.projects, base.projects),
    deployments: count(values.deployments, base.deployments),
    deploys: count(values.deploys, base.deploys),
    deploysPerMinute: count(values["per-minute"], base.deploysPerMinute),
  };
  if (size.deployments < size.projects) throw new Error("each project needs a deployment that runs");
  return size;
}

async function one(size: ScaleSize): Promise<void> {
  const result = await runScale(size);
  if (values.save !== undefined) await Deno.writeTextFile(values.save, JSON.stringify(result));
  if (values.svg !== undefined) {
    await Deno.writeTextFile(values.svg, renderChart(headOf(size), panelsOf(result)));
  }
  console.log(reportRun(result));
  for (const problem of judge(result)) {
    console.error(problem);
    Deno.exitCode = 1;
  }
}

async function growth(): Promise<void> {
  console.log(`Machine: ${machine()}.`);
  for (const part of ["regions", "projects", "deployments"] as const) {
    const results: ScaleResult[] = [];
    for (const size of GROWTH[part]) {
      console.error(`measuring ${size[part]} ${part}. ${loadAverage()}`);
      results.push(await runScale(size));
    }
    console.log(["", ...growthTable(part, results), "", loadAverage()].join("\n"));
  }
}

function headOf(size: ScaleSize): string {
  const { regions, projects, deployments, deploys, deploysPerMinute } = size;
  return `${deploys} deploys, ${deploysPerMinute} a minute: ${regions} regions, ${projects} projects, ` +
    `${deployments} running deployments`;
}

if (values.growth) await growth();
else await one(sizeOf(values.burst ? BURST : FULL));
Deno.exit();
