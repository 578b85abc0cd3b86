/** The one stream of a page: events while a deploy goes on, then what its instances print. */
import type {
  DeploymentEvent,
  InstanceLogLine,
  WatchDeploymentEventsResponse,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { Api } from "../api/clients.ts";
import { pause } from "../api/visible.ts";
import type { LogBuffer, LogLine } from "./buffer.ts";

export interface Reading {
  readonly api: Pick<Api, "deployments">;
  readonly id: string;
  readonly buffer: LogBuffer;
  /** Called after lines were added. */
  readonly onLines: () => void;
  /** Called when the status or a step has changed. */
  readonly onChange: () => void;
  /** The wait before a stream begins again, in milliseconds; after failures in a row it doubles, up to eight times it. */
  readonly againMs: number;
}

const LONGER_MAX = 8;
const TAIL = 1_000;

/** Where a page has come to, so that a stream goes on there after it was cut. */
export class LogPosition {
  sequence = 0n;
  eventsEnded = false;
  /** Of the last line of an instance, in milliseconds. */
  lineMs = 0;
  /** Lines of that same millisecond: only they can come twice. */
  readonly lastLines = new Map<string, number>();
}

/**
 * Reads until `signal` aborts. A stream that fails begins again behind what was read.
 */
export async function readOutput(
  reading: Reading,
  position: LogPosition,
  signal: AbortSignal,
): Promise<void> {
  const { againMs } = reading;
  let waitMs = againMs;
  while (!signal.aborted) {
    try {
      if (!position.eventsEnded) await readEvents(reading, position, signal);
      else await readInstances(reading, position, signal);
      waitMs = againMs;
    } catch {
      // The page's own reads show why the control plane does not answer.
      waitMs = Math.min(waitMs * 2, againMs * LONGER_MAX);
    }
    await pause(waitMs, signal);
  }
}

async function readEvents(
  { api, id, buffer, onLines, onChange }: Reading,
  position: LogPosition,
  signal: AbortSignal,
): Promise<void> {
  const request = { deploymentId: id, afterSequence: position.sequence };
  for await (const message of api.deployments.watchDeploymentEvents(request, { signal })) {
    const event = eventOf(message);
    if (event === undefined || event.sequence <= position.sequence) continue;
    position.sequence = event.sequence;
    const lines = linesOf(event);
    if (lines.length > 0) {
      buffer.add(lines);
      onLines();
    }
    if (event.payload.case === "status" || event.payload.case === "step") onChange();
  }
  if (signal.aborted) return;
  position.eventsEnded = true;
  onChange();
}

function eventOf({ event }: WatchDeploymentEventsResponse): DeploymentEvent | undefined {
  return event.case === "deploymentEvent" ? event.value : undefined;
}

/** The lines that an event shows. */
export function linesOf({ payload }: DeploymentEvent): LogLine[] {
  switch (payload.case) {
    case "log": {
      const { source, origin, lines } = payload.value;
      return lines.map((text) => ({
        source: source === "build" ? "build" : "app",
        origin,
        text,
        isError: false,
      }));
    }
    case "notice":
      return [{ source: "notice", origin: "unkey", text: payload.value.message, isError: false }];
    default:
      return [];
  }
}

async function readInstances(
  { api, id, buffer, onLines }: Reading,
  position: LogPosition,
  signal: AbortSignal,
): Promise<void> {
  const skipped = new Map(position.lastLines);
  const request = {
    deploymentId: id,
    follow: true,
    tail: TAIL,
    since: BigInt(position.lineMs),
  };
  for await (const { message } of api.deployments.streamInstanceLogs(request, { signal })) {
    if (message.case !== "line") continue;
    const line = message.value;
    if (isRepeated(line, position, skipped)) continue;
    buffer.add([{
      source: "app",
      origin: line.instance,
      text: line.text,
      isError: line.stream === "stderr",
    }]);
    onLines();
  }
}

/** Notes the line. True for one that was shown before the stream was cut. */
function isRepeated(line: InstanceLogLine, position: LogPosition, skipped: Map<string, number>): boolean {
  const atMs = Number(line.time);
  const key = `${line.instance}\0${line.stream}\0${line.text}`;
  const left = atMs === position.lineMs ? skipped.get(key) ?? 0 : 0;
  if (left > 0) {
    skipped.set(key, left - 1);
    return true;
  }
  if (atMs > position.lineMs) {
    position.lineMs = atMs;
    position.lastLines.clear();
    skipped.clear();
  }
  if (atMs === position.lineMs) position.lastLines.set(key, (position.lastLines.get(key) ?? 0) + 1);
  return false;
}
