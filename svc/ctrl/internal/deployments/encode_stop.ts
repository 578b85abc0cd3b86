import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DeploymentStopSchema } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { StopNote } from "./stop_note.ts";

/** The note as a message. */
export function encodeStop(
  { reason, message, atMs }: StopNote,
): MessageInitShape<typeof DeploymentStopSchema> {
  return { reason, message, at: BigInt(atMs) };
}
