/**
 * The number of instances that a placement should have. The rules are those of the Kubernetes HorizontalPodAutoscaler, with its defaults,
 * so that they mean the same in Docker.
 */
import type { ScalingHistory } from "./history.ts";
import { bounded, type Scaling } from "./settings.ts";

/** The load of a placement. What is absent is not known. */
export interface Load {
  readonly requests?: {
    /** Requests at a time, over all edges that have reported. */
    readonly concurrency: number;
    /** True if every edge has reported. */
    readonly isComplete: boolean;
  };
  readonly cpu?: { readonly millicores: number; readonly instances: number };
}

export interface Placement {
  readonly scaling: Scaling;
  readonly current: number;
  /** The CPU of an instance. */
  readonly cpuMillicores: number;
}

/** The number to have, and why; the reason of no change is empty. */
export interface Decision {
  readonly target: number;
  readonly reason: string;
}

/** A load within a tenth of the target changes nothing: instances would come and go with each fluctuation. */
const TOLERANCE = 0.1;
/** Growth within 15 s: to twice the number, and by four at least. */
const GROWTH_FACTOR = 2;
const GROWTH_MIN = 4;

/** The need that one target has. */
interface Need {
  readonly count: number;
  readonly text: string;
  /** Everything that counts was measured: it may also be the reason for fewer. */
  readonly isComplete: boolean;
}

/**
 * Decides, and notes the need in the history. More instances come at once; fewer only when nothing has needed more for the whole time
 * of the settings. A load that is not known keeps the present number: it never is a reason for fewer.
 */
export function decide(
  placement: Placement,
  load: Load,
  { history, nowMs }: { readonly history: ScalingHistory; readonly nowMs: number },
): Decision {
  const { scaling, current } = placement;
  history.observe(current, nowMs);
  const inBounds = bounded(scaling, current);
  const needs = needsOf(placement, load);
  const largest = needs.reduce<Need | undefined>(
    (most, each) => most === undefined || each.count > most.count ? each : most,
    undefined,
  );
  const wanted = bounded(scaling, largest?.count ?? inBounds);
  const isComplete = needs.length === targetsOf(scaling) && needs.every((each) => each.isComplete);
  history.need(isComplete ? wanted : Math.max(wanted, inBounds), nowMs);
  if (inBounds !== current) return { target: inBounds, reason: boundsText(scaling) };
  if (largest === undefined) return { target: current, reason: "" };
  if (wanted > current) {
    const grown = Math.max(history.smallestSize * GROWTH_FACTOR, history.smallestSize + GROWTH_MIN);
    const target = Math.max(current, Math.min(wanted, grown));
    return { target, reason: target === current ? "" : `${largest.text}.` };
  }
  const kept = Math.min(current, history.largestNeed(scaling.downSeconds * 1_000, nowMs));
  if (kept >= current) return { target: current, reason: "" };
  return {
    target: kept,
    reason: `No more were needed for ${scaling.downSeconds} s; now ${largest.text}.`,
  };
}

function targetsOf({ cpuPercent, concurrency }: Scaling): number {
  return [cpuPercent, concurrency].filter((each) => each !== undefined).length;
}

function needsOf({ scaling, current, cpuMillicores }: Placement, { requests, cpu }: Load): readonly Need[] {
  const needs: Need[] = [];
  const { concurrency, cpuPercent } = scaling;
  if (concurrency !== undefined && requests !== undefined) {
    needs.push({
      count: countFor(requests.concurrency / concurrency, current),
      text: `${shown(requests.concurrency)} requests at a time, with a target of ${concurrency} per instance`,
      isComplete: requests.isComplete,
    });
  }
  if (cpuPercent !== undefined && cpu !== undefined && cpu.instances > 0 && cpuMillicores > 0) {
    const cores = cpu.millicores / cpuMillicores;
    const percent = Math.round((cores / cpu.instances) * 100);
    needs.push({
      count: countFor((cores / cpuPercent) * 100, current),
      text: `${percent} % of the CPU of ${cpu.instances} ${
        cpu.instances === 1 ? "instance" : "instances"
      } in use, with a target of ${cpuPercent} %`,
      isComplete: cpu.instances >= current,
    });
  }
  return needs;
}

/** Instances for a load of so many instances at their target. */
function countFor(load: number, current: number): number {
  if (Math.abs(load - current) <= TOLERANCE * current) return current;
  return Math.ceil(load);
}

function boundsText({ min, max }: Scaling): string {
  return min === max ? `The number is set to ${min}.` : `The bounds are ${min} and ${max}.`;
}

function shown(concurrency: number): string {
  return concurrency >= 100 ? concurrency.toFixed(0) : concurrency.toFixed(1);
}
