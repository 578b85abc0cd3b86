/** Events of the instances of a deployment. */
import type { InstanceEvent } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { age, oneLine, table } from "../shared/output.ts";

/** An event in the JSON of `status --events`. Times are milliseconds since the epoch. */
export interface InstanceEventJson {
  /** `ended`, `trouble` or `recovered` */
  readonly kind: string;
  readonly reason: string;
  readonly message: string;
  /** The instance that it befell last. */
  readonly instance: string;
  readonly region: string;
  readonly exitCode?: number;
  /** The number of times that it happened between the two times below. */
  readonly times: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

export function eventJson(event: InstanceEvent): InstanceEventJson {
  const { kind, reason, message, instance, region, exitCode, times, firstAt, lastAt } = event;
  return {
    kind,
    reason,
    message,
    instance,
    region,
    ...(exitCode === undefined ? {} : { exitCode }),
    times,
    firstAt: Number(firstAt),
    lastAt: Number(lastAt),
  };
}

/** A row for each event, the last one below. */
export function eventsText(events: readonly InstanceEvent[], nowMs: number): string {
  if (events.length === 0) return "\nNothing has befallen its instances.\n";
  const rows = events.map((each) => [
    `${age(Number(each.lastAt), nowMs)} ago`,
    each.times === 1 ? "" : `${each.times} times in ${age(Number(each.firstAt), Number(each.lastAt))}`,
    oneLine(each.region),
    oneLine(each.instance),
    each.kind === "recovered" ? "recovered" : oneLine(each.reason),
    oneLine(each.message),
  ]);
  return `\n${table(["LAST", "TIMES", "REGION", "INSTANCE", "EVENT", "MESSAGE"], rows)}`;
}
