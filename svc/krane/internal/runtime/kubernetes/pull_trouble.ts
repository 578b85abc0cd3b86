import { pullFailureText, pullText } from "../../../../../pkg/registry/mod.ts";
import type { ContainerStatus, Pod } from "./objects.ts";
import { CONTAINER } from "./replica_set.ts";

/** An image that a node does not have, and cannot pull at the moment. */
export interface PullTrouble {
  /** A repetition does not mend it, or has not for too long. */
  readonly isFinal: boolean;
  readonly text: string;
  /** The node's own words, for the log only: they repeat the registry's answer. */
  readonly error: string;
  /** The time until it becomes final, in milliseconds. */
  readonly leftMs: number;
}

/** A registry that does not answer, or answers with trouble of its own, gets this long. */
const PATIENCE_MS = 30_000;
const PULLING = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "RegistryUnavailable",
  "SignatureValidationFailed",
]);
const FINAL = new Set(["InvalidImageName", "ErrImageNeverPull"]);
/** Answers of a registry that a repetition does not change. */
const REFUSED =
  /not found|manifest unknown|name unknown|denied|unauthorized|forbidden|authorization|no match for platform|invalid reference|no such host/i;

/** `undefined` for a container that waits for something else. */
export function pullTrouble(
  pod: Pod,
  waiting: NonNullable<ContainerStatus["state"]["waiting"]>,
  nowMs: number,
): PullTrouble | undefined {
  const { reason, message } = waiting;
  if (!FINAL.has(reason) && !PULLING.has(reason)) return undefined;
  const ageMs = Math.max(0, nowMs - (Date.parse(pod.metadata.creationTimestamp) || 0));
  const image = pod.spec.containers.find((each) => each.name === CONTAINER)?.image ?? "";
  return {
    isFinal: FINAL.has(reason) || REFUSED.test(message) || ageMs >= PATIENCE_MS,
    text: reason === "InvalidImageName" ? pullText(image, "invalid") : pullFailureText(image, message),
    error: message === "" ? reason : message,
    leftMs: Math.max(0, PATIENCE_MS - ageMs),
  };
}
