/** Events of deployments, as they are stored and streamed to clients. */
import type { DeploymentStatus, FailureCode } from "./status.ts";

/** The deployment's status changed. */
export interface StatusEvent {
  readonly kind: "status";
  readonly status: DeploymentStatus;
  /** For people; only with a status that means trouble. */
  readonly errorMessage?: string;
  readonly failureCode?: FailureCode;
  /** Its URLs, once it is ready. */
  readonly urls?: readonly string[];
}

export type StepName = "queued" | "building" | "deploying" | "network";
export type StepStatus = "running" | "done" | "failed";

/** A step began or ended. */
export interface StepEvent {
  readonly kind: "step";
  readonly name: StepName;
  readonly status: StepStatus;
  readonly message: string;
}

/** Something was printed. */
export interface LogEvent {
  readonly kind: "log";
  readonly source: "build" | "instance";
  /** The Dockerfile instruction or the instance. */
  readonly origin: string;
  readonly lines: readonly string[];
}

/** Something the user should know that does not end the deployment. */
export interface NoticeEvent {
  readonly kind: "notice";
  readonly message: string;
}

export type DeploymentEventPayload = StatusEvent | StepEvent | LogEvent | NoticeEvent;
export type DeploymentEventKind = DeploymentEventPayload["kind"];

/** An event without its kind. */
export type PayloadOf<K extends DeploymentEventKind> = Omit<
  Extract<DeploymentEventPayload, { kind: K }>,
  "kind"
>;

/** One event as it was stored. */
export interface StoredEvent {
  /** Gap-free per deployment, from 1. */
  readonly sequence: number;
  readonly createdAtMs: number;
  readonly payload: DeploymentEventPayload;
}
