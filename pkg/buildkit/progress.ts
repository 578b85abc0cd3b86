import type { BuildTrace } from "../docker/mod.ts";
import type { StatusResponse } from "../../proto/gen/moby/buildkit/v1/control_pb.ts";

/** The daemon's message as the Docker Engine would have passed it on. */
export function toTrace({ vertexes, logs }: StatusResponse): BuildTrace {
  return {
    vertexes: vertexes.map(({ digest, name, cached, started, completed, error }) => ({
      digest,
      name,
      cached,
      started: started !== undefined,
      completed: completed !== undefined,
      error,
    })),
    outputs: logs.map(({ vertex, stream, msg }) => ({ vertex, stream: Number(stream), bytes: msg })),
  };
}

/** Whether the push begins here; to BuildKit it is a part of the export. */
export function beginsPush({ statuses }: StatusResponse): boolean {
  return statuses.some((each) => each.id === "pushing layers" && each.completed === undefined);
}
