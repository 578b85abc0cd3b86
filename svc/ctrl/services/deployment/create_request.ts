import { publicFault } from "../../../../pkg/fault/mod.ts";
import { type AppLimits, appSettings, START_SECONDS_MAX, type WireApp } from "../../internal/validate/app.ts";
import { wholeScaling } from "../../internal/validate/scaling.ts";
import {
  command,
  cutToBytes,
  dockerfilePath,
  healthCheckPath,
  imageReference,
  invalid,
  optionalKey,
  port,
  text,
} from "../../internal/validate/mod.ts";
import { type AppSettings, mergeApps } from "../../internal/deployments/app/settings.ts";
import type { Size } from "../../internal/deployments/size.ts";
import type { WireSize } from "../../internal/validate/size.ts";
import type { RequestedTrace } from "./begin_trace.ts";
import type { CheckedSource, ContextSource } from "./build_context.ts";
import { checkBuild, checkDockerfile } from "./build_settings.ts";
import type { RequestedGradual } from "./gradual_settings.ts";

export const IDEMPOTENCY_KEY_CHARACTERS_MAX = 255;

/** A create as it arrives, from RPC or REST. */
export interface CreateRequest {
  readonly projectId: string;
  readonly environmentSlug: string;
  readonly branch: string;
  readonly source: RequestedSource | undefined;
  readonly git: RequestedCommit | undefined;
  readonly command: readonly string[];
  readonly idempotencyKey: string;
  readonly port: number;
  readonly healthCheckPath: string;
  readonly size: WireSize | undefined;
  /** 0: the operator's value. */
  readonly startSeconds: number;
  /** "h2c", or "" for HTTP/1.1. */
  readonly protocol: string;
  /** The values above come before the same ones here. */
  readonly app?: WireApp | undefined;
  /** Absent: its traffic moves at once. */
  readonly gradual?: RequestedGradual | undefined;
  /** The deployment to repeat; empty: there is a source. */
  readonly redeployOf: string;
  /** No part of what is asked for: a repetition may have another one. */
  readonly trace: RequestedTrace;
  /** Field names for messages, where the caller knows them by other names. */
  readonly fields?: { readonly project: string };
}

export type RequestedSource =
  | ContextSource
  | { readonly kind: "image"; readonly image: string };

export interface RequestedCommit {
  readonly commitSha: string;
  readonly commitMessage: string;
  readonly authorHandle: string;
  readonly authorAvatarUrl: string;
  /** Milliseconds since the epoch; 0 when unknown. */
  readonly timestampMs: number;
}

/** A create whose every field holds what it may hold. */
export interface CheckedCreate {
  /** Empty when the caller does not know it: it is never taken for the default branch. */
  readonly branch: string;
  readonly source: CheckedSource;
  readonly git: RequestedCommit;
  readonly idempotencyKey: string | undefined;
  /** The settings of the request itself. */
  readonly app: AppSettings;
  /** "h2c", or "" for HTTP/1.1. */
  readonly protocol: string;
  /** The size of the deployment that is repeated, which holds until the environment's is set again. */
  readonly former?: { readonly size: Size; readonly environmentId: string; readonly createdAtMs: number };
}

/** The last time that a JavaScript Date can hold. */
const TIMESTAMP_MS_MAX = 8_640_000_000_000_000;
const MESSAGE_BYTES_MAX = 10_240;
const HANDLE_BYTES_MAX = 256;
const AVATAR_BYTES_MAX = 512;

/** @throws `invalid_argument` for the first field that is wrong */
export function checkCreate(request: CreateRequest, limits: AppLimits): CheckedCreate {
  return {
    branch: optionalKey("branch", request.branch, 256),
    git: checkCommit(request.git),
    source: checkSource(request.source),
    idempotencyKey: checkIdempotencyKey(request),
    app: checkApp(request, limits),
    protocol: protocol(request),
  };
}

/** The fields that clients knew before `app` come first. */
function checkApp(request: CreateRequest, limits: AppLimits): AppSettings {
  const app = appSettings("app", request.app, limits);
  wholeScaling("app.scaling", app.scaling);
  const path = healthCheckPath("health_check_path", request.healthCheckPath);
  const start = startSeconds(request.startSeconds);
  return mergeApps(app, {
    ...(request.command.length === 0 ? {} : { command: command("command", request.command) }),
    ...(request.port === 0 ? {} : { port: port("port", request.port, 0) }),
    ...(path === "" ? {} : { healthCheck: { ...app.healthCheck, kind: "http", path } }),
    ...(start === 0 ? {} : { startSeconds: start }),
  });
}

/** @throws `invalid_argument` */
export function checkIdempotencyKey({ idempotencyKey }: CreateRequest): string | undefined {
  return optionalKey("idempotency_key", idempotencyKey, IDEMPOTENCY_KEY_CHARACTERS_MAX) || undefined;
}

function startSeconds(seconds: number): number {
  if (seconds >= 0 && seconds <= START_SECONDS_MAX) return seconds;
  throw invalid("start_seconds", `must be between 0 and ${START_SECONDS_MAX}`, String(seconds));
}

function protocol({ protocol: given }: CreateRequest): string {
  if (given === "" || given === "http1") return "";
  if (given !== "h2c") throw invalid("protocol", 'must be "http1" or "h2c"', given);
  return given;
}

/**
 * Agents ask in HTTP/1.1, which an app of h2c need not understand.
 *
 * @throws `invalid_argument` for a check by HTTP
 */
export function refuseHttpCheck(protocol: string, { healthCheck }: AppSettings): void {
  if (protocol === "" || healthCheck?.kind !== "http") return;
  throw invalid(
    "health_check_path",
    "must be empty for an app of protocol h2c: its port is checked instead",
    healthCheck.path,
  );
}

const NO_COMMIT: RequestedCommit = {
  commitSha: "",
  commitMessage: "",
  authorHandle: "",
  authorAvatarUrl: "",
  timestampMs: 0,
};

function checkCommit(git: RequestedCommit | undefined): RequestedCommit {
  if (git === undefined) return NO_COMMIT;
  const { commitSha, timestampMs } = git;
  if (!/^[0-9a-zA-Z]{0,64}$/.test(commitSha)) {
    throw invalid("git_commit.commit_sha", "must be at most 64 letters and digits", commitSha);
  }
  return {
    commitSha,
    commitMessage: cutToBytes(git.commitMessage, MESSAGE_BYTES_MAX),
    authorHandle: cutToBytes(git.authorHandle.trim(), HANDLE_BYTES_MAX),
    authorAvatarUrl: cutToBytes(git.authorAvatarUrl.trim(), AVATAR_BYTES_MAX),
    // For display only: a clock that is wrong, or imported history, must not stop a deploy.
    timestampMs: timestampMs > 0 && timestampMs <= TIMESTAMP_MS_MAX ? timestampMs : 0,
  };
}

function checkSource(source: RequestedSource | undefined): CheckedSource {
  switch (source?.kind) {
    case undefined:
      throw publicFault("invalid_argument", "source is required: a build context or an image");
    case "image":
      return { kind: "image", image: imageReference("docker_image", source.image) };
    case "context":
      return {
        kind: "context",
        objectKey: text("build_context_path", source.objectKey, 512),
        dockerfilePath: dockerfilePath("dockerfile_path", source.dockerfilePath),
        dockerfile: checkDockerfile(source.dockerfile),
        build: checkBuild(source.build),
      };
  }
}
