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

/** Prints lines: as they are below the instruction that printed them, behind their instance's name, or as JSON. */
export function createPrinter(json: boolean, write: (text: string) => void): (line: Line) => void {
  if (json) return (line) => write(jsonLine(line));
  let origin = "";
  return (line) => {
    const text = printable(line.text).replaceAll("\n", " ");
    if (line.source === "instance") return write(`${printable(line.instance)} | ${text}\n`);
    if (line.origin !== origin) write(`=> ${printable(line.origin)}\n`);
    origin = line.origin;
    write(`${text}\n`);
  };
}
