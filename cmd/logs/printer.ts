import type { InstanceLogLine, LogLines } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { jsonLine, printable } from "../shared/output.ts";

/** One line of output. */
export type Line =
  | {
    readonly source: "build";
    /** The instruction that printed it. */
    readonly origin: string;
    readonly time: number;
    readonly text: string;
  }
  | {
    readonly source: "instance";
    readonly instance: string;
    readonly region?: string;
    readonly time: number;
    readonly stream?: string;
    readonly text: string;
    /** Of lines that a search found. */
    readonly deployment?: string;
    readonly level?: string;
    readonly message?: string;
    readonly fields?: Readonly<Record<string, unknown>>;
  };

/** The lines of an event; its time is theirs. */
export function linesOfEvent({ source, origin, lines }: LogLines, time: number): Line[] {
  return source === "instance"
    ? lines.map((text) => ({ source: "instance", instance: origin, time, text }))
    : lines.map((text) => ({ source: "build", origin, time, text }));
}

export function lineOfInstance({ instance, region, time, stream, text }: InstanceLogLine): Line {
  return { source: "instance", instance, region, time: Number(time), stream, text };
}

/** The time in front of a line of an instance. */
export type Timestamps = "utc" | "local" | "none";

export interface PrinterOptions {
  readonly json: boolean;
  readonly timestamps: Timestamps;
}

/**
 * Prints lines: as they are below the instruction that printed them, behind their time and their instance's name, or as
 * JSON.
 */
export function createPrinter(
  { json, timestamps }: PrinterOptions,
  write: (text: string) => void,
): (line: Line) => void {
  if (json) return (line) => write(jsonLine(line));
  let origin = "";
  return (line) => {
    const text = printable(line.text).replaceAll("\n", " ");
    if (line.source === "instance") {
      return write(`${timeText(line.time, timestamps)}${printable(line.instance)} | ${text}\n`);
    }
    if (line.origin !== origin) write(`=> ${printable(line.origin)}\n`);
    origin = line.origin;
    write(`${text}\n`);
  };
}

/** RFC 3339, with milliseconds. */
function timeText(ms: number, timestamps: Timestamps): string {
  if (timestamps === "none") return "";
  const date = new Date(ms);
  const offset = timestamps === "utc" ? 0 : -date.getTimezoneOffset();
  if (offset === 0) return `${date.toISOString()} `;
  const local = new Date(ms + offset * 60_000).toISOString().slice(0, -1);
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  return `${local}${offset < 0 ? "-" : "+"}${two(hours)}:${two(minutes)} `;
}

function two(count: number): string {
  return String(count).padStart(2, "0");
}
