/** The loads in a report of an edge or an agent. */
import { z } from "zod";

/** The load of one deployment in one region, as one reporter sees it. */
export interface ReportedLoad {
  readonly deploymentId: string;
  readonly region: string;
  /** Of an edge: mean requests at a time, in thousandths. Of an agent: millicores of all measured instances. */
  readonly value: number;
  /** Of an agent: the measured instances. */
  readonly instances: number;
}

const Loads = z.array(z.tuple([z.string(), z.string(), z.number(), z.number()]));

/** The form of the column. */
export function encodeLoads(loads: readonly ReportedLoad[]): string {
  return JSON.stringify(loads.map(({ deploymentId, region, value, instances }) => [
    deploymentId,
    region,
    value,
    instances,
  ]));
}

/** @throws when another program has written the column */
export function decodeLoads(text: string): readonly ReportedLoad[] {
  return Loads.parse(JSON.parse(text)).map(([deploymentId, region, value, instances]) => ({
    deploymentId,
    region,
    value,
    instances,
  }));
}
