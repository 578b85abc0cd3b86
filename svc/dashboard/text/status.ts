/** Statuses of deployments: their words, and what can be done in each. */
import { DeploymentStatus as Status } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";

/** Decides on colour and sign; the word is always beside it. */
export type Tone = "good" | "bad" | "busy" | "calm";

const WORDS: Readonly<Record<Status, readonly [word: string, tone: Tone]>> = {
  [Status.UNSPECIFIED]: ["unknown", "calm"],
  [Status.PENDING]: ["pending", "busy"],
  [Status.QUEUED]: ["queued", "busy"],
  [Status.BUILDING]: ["building", "busy"],
  [Status.DEPLOYING]: ["deploying", "busy"],
  [Status.NETWORK]: ["switching traffic", "busy"],
  [Status.READY]: ["ready", "good"],
  [Status.FAILED]: ["failed", "bad"],
  [Status.CANCELLED]: ["cancelled", "calm"],
  [Status.SUPERSEDED]: ["superseded", "calm"],
  [Status.STOPPED]: ["stopped", "calm"],
};

/** The word of a status. */
export function statusWord(status: Status): string {
  return WORDS[status]?.[0] ?? "unknown";
}

/** The tone of a status. */
export function statusTone(status: Status): Tone {
  return WORDS[status]?.[1] ?? "calm";
}

/** True while a deploy goes on. */
export function isUnderWay(status: Status): boolean {
  return statusTone(status) === "busy";
}

/** True when traffic can be moved to it. */
export function canServe(status: Status): boolean {
  return status === Status.READY || status === Status.STOPPED;
}
