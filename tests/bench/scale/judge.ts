/** The conditions of a good run; none of them is a time. */
import { BOUNDS } from "../bounds.ts";
import { peaks } from "./costs.ts";
import { NOTED_ROWS_MIN } from "./measured_database.ts";
import { PHASES } from "./phases.ts";
import type { ScaleResult } from "./run.ts";

/** Statuses in which a deploy ends right: the newest of an environment runs, the one before it was stopped. */
const RIGHT: readonly string[] = ["ready", "stopped"];
/** A statement that runs once for so many deploys is on the path of each of them, or nearly so. */
const DEPLOYS_PER_STATEMENT = 2;

/** Statements that may read more, each with its bound: the switches of the last minutes, for each of their edges. */
const BOUNDED: readonly string[] = ["from traffic_switches as s inner join traffic_switch_edges as e"];

/** A sentence for each condition that does not hold. */
export function judge(result: ScaleResult): readonly string[] {
  return [
    ...result.problems.map((each) => `a create failed: ${each}`),
    ...deployProblems(result),
    ...leftProblems(result),
    ...memoryProblems(result),
    ...statementProblems(result),
  ];
}

function deployProblems({ size, ended, times }: ScaleResult): string[] {
  const wrong = Object.entries(ended).filter(([status]) => !RIGHT.includes(status))
    .map(([status, count]) => `${count} deploys ended as ${status}`);
  const count = Object.values(ended).reduce((sum, each) => sum + each, 0);
  const lost = count === size.deploys
    ? []
    : [`${size.deploys - count} of ${size.deploys} deploys never ended`];
  const missing = PHASES.flatMap((phase) => {
    const reached = times.filter(({ ms }) => ms[phase] !== undefined).length;
    return reached === size.deploys ? [] : [`${size.deploys - reached} deploys have no time for "${phase}"`];
  });
  return [...wrong, ...lost, ...missing];
}

function leftProblems({ left }: ScaleResult): string[] {
  const texts: Readonly<Record<keyof typeof left, string>> = {
    running: "deployments run beside those that should",
    instances: "instances are reported beside those that should be",
    active: "deploys are still active",
    workflows: "workflows have not ended",
    behind: "agents or edges are missing, or behind their feed",
    switching: "switches were not acknowledged by all edges",
  };
  const names = ["running", "instances", "active", "workflows", "behind", "switching"] as const;
  return names.flatMap((name) => left[name] === 0 ? [] : [`${left[name]} ${texts[name]}`]);
}

function memoryProblems({ samples }: ScaleResult): string[] {
  const most = peaks(samples);
  return Object.entries(BOUNDS.scaleMib.limit).flatMap(([name, limit]) => {
    const mib = most.get(name);
    if (mib === undefined) return name === "other edges" ? [] : [`the memory of ${name} was not seen`];
    return mib < limit ? [] : [`${name} had ${mib.toFixed(0)} MiB, of at most ${limit}`];
  });
}

/** Statements of each deploy must not grow with the number of deployments. */
function statementProblems({ size, statements }: ScaleResult): string[] {
  const frequent = statements.filter(({ times, text }) =>
    times * DEPLOYS_PER_STATEMENT >= size.deploys && !BOUNDED.some((each) => text.includes(each))
  );
  return frequent.map((each) =>
    `${each.times} times a statement read at least ${NOTED_ROWS_MIN} rows, ${each.rowsMax} at most: ${each.text}`
  );
}
