import { create } from "@bufbuild/protobuf";
import { type StatusResponse, StatusResponseSchema } from "../../../proto/gen/moby/buildkit/v1/control_pb.ts";
import type { BuildEvent } from "../builder.ts";
import { BuildProgress, type BuildRecord } from "./progress.ts";

/** A step in a message; times are seconds. */
export interface VertexFacts {
  readonly id?: string;
  readonly name?: string;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly cached?: boolean;
  readonly error?: string;
}

/** One message of BuildKit; output is `[step, text]` or `[step, text, stream]`. */
export function message(
  vertexes: readonly VertexFacts[],
  output: readonly (readonly [id: string, text: string, stream?: number])[] = [],
): StatusResponse {
  return create(StatusResponseSchema, {
    vertexes: vertexes.map((
      { id = "v", name = `[${id} 1/1] RUN ${id}`, startedAt, endedAt, cached, error },
    ) => ({
      digest: id,
      name,
      cached: cached ?? false,
      error: error ?? "",
      ...(startedAt === undefined ? {} : { started: { seconds: BigInt(startedAt) } }),
      ...(endedAt === undefined ? {} : { completed: { seconds: BigInt(endedAt) } }),
    })),
    logs: output.map(([vertex, text, stream = 1]) => ({
      vertex,
      stream: BigInt(stream),
      msg: new TextEncoder().encode(text),
    })),
  });
}

/** A build of the given messages; `shown` has the events as text, `lines` the output of each step. */
export interface PlayedBuild {
  readonly shown: readonly string[];
  readonly record: BuildRecord;
  lines(stepName: string): readonly string[];
}

/** Plays the messages that `feed` pushes. */
export function play(feed: (push: (status: StatusResponse) => void) => void): PlayedBuild {
  const events: BuildEvent[] = [];
  const progress = new BuildProgress((event) => events.push(event));
  feed((status) => progress.push(status));
  const record = progress.record();
  const before = events.length;
  progress.record();
  if (events.length !== before) throw new Error("record() shows nothing twice");
  return {
    record,
    shown: events.flatMap((each) => each.kind === "step" ? [`${each.id} ${each.status}`] : [...each.lines]),
    lines: (stepName) =>
      events.flatMap((each) => each.kind === "log" && each.stepName === stepName ? [...each.lines] : []),
  };
}
