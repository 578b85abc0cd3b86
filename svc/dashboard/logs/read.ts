/** The output of a deployment in the stream of a tab: events while a deploy goes on, then what its instances print. */
import type {
  DeploymentEvent,
  InstanceLogLine,
  WatchWorkspaceResponse,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { FollowedOutput } from "../api/live.ts";
import type { LogBuffer, LogLine } from "./buffer.ts";

export interface Reading {
  readonly id: string;
  readonly buffer: LogBuffer;
  /** Called after lines were added. */
  readonly onLines: () => void;
  /** Called when the status or a step has changed. */
  readonly onChange: () => void;
}

/** Keeps its place, so that a stream goes on there after it was cut. */
export class Output implements FollowedOutput {
  readonly #reading: Reading;
  #sequence = 0n;
  #eventsEnded = false;
  /** Of the last line of an instance, in milliseconds. */
  #lineMs = 0;
  /** Lines of that same millisecond: only they can come twice. */
  readonly #lastLines = new Map<string, number>();
  /** Those that this stream has still to repeat. */
  #skipped = new Map<string, number>();

  constructor(reading: Reading) {
    this.#reading = reading;
  }

  position(): ReturnType<FollowedOutput["position"]> {
    this.#skipped = new Map(this.#lastLines);
    return { deploymentId: this.#reading.id, afterEvent: this.#sequence, linesSince: BigInt(this.#lineMs) };
  }

  take(message: WatchWorkspaceResponse["message"]): void {
    switch (message.case) {
      case "event":
        return this.#takeEvent(message.value);
      case "eventsEnded":
        if (!this.#eventsEnded) this.#reading.onChange();
        this.#eventsEnded = true;
        return;
      case "line":
        return this.#takeLine(message.value);
      default:
    }
  }

  #takeEvent(event: DeploymentEvent): void {
    if (event.sequence <= this.#sequence) return;
    this.#sequence = event.sequence;
    this.#add(linesOf(event));
    if (event.payload.case === "status" || event.payload.case === "step") this.#reading.onChange();
  }

  #takeLine(line: InstanceLogLine): void {
    if (this.#isRepeated(line)) return;
    const isError = line.stream === "stderr";
    const atMs = Number(line.time);
    this.#add([{
      source: "app",
      origin: line.instance,
      text: line.text,
      isError,
      atMs,
      sequence: 0,
      index: 0,
    }]);
  }

  #add(lines: readonly LogLine[]): void {
    if (lines.length === 0) return;
    this.#reading.buffer.add(lines);
    this.#reading.onLines();
  }

  /** Notes the line. True for one that was shown before the stream was cut. */
  #isRepeated(line: InstanceLogLine): boolean {
    const atMs = Number(line.time);
    const key = `${line.instance}\0${line.stream}\0${line.text}`;
    const left = atMs === this.#lineMs ? this.#skipped.get(key) ?? 0 : 0;
    if (left > 0) {
      this.#skipped.set(key, left - 1);
      return true;
    }
    if (atMs > this.#lineMs) {
      this.#lineMs = atMs;
      this.#lastLines.clear();
      this.#skipped.clear();
    }
    if (atMs === this.#lineMs) this.#lastLines.set(key, (this.#lastLines.get(key) ?? 0) + 1);
    return false;
  }
}

/** The lines that an event shows. */
export function linesOf({ payload, sequence: number, createdAt }: DeploymentEvent): LogLine[] {
  const [sequence, atMs] = [Number(number), Number(createdAt)];
  switch (payload.case) {
    case "log": {
      const { source, origin, lines } = payload.value;
      return lines.map((text, index) => ({
        source: source === "build" ? "build" : "app",
        origin,
        text,
        isError: false,
        atMs,
        sequence,
        index,
      }));
    }
    case "notice":
      return [{
        source: "notice",
        origin: "unkey",
        text: payload.value.message,
        isError: false,
        atMs,
        sequence,
        index: 0,
      }];
    default:
      return [];
  }
}
