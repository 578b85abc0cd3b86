/** Names and texts of builds. Pure. */
import type { BuildFailure } from "../../../../pkg/build/mod.ts";
import type { FailureCode, FailureDetails } from "../../internal/deployments/status.ts";

/** A build without an image, as it is recorded. */
export interface FailedBuild {
  readonly kind: "failed";
  readonly code: FailureCode;
  readonly message: string;
  readonly details?: FailureDetails;
}

const MESSAGE_LINES_MAX = 10;
const MESSAGE_CHARACTERS_MAX = 4_000;

/** The owner of an image. */
export interface ImageOwner {
  readonly workspaceId: string;
  readonly projectId: string;
  readonly deploymentId: string;
}

/**
 * The image's name. Registries take lower case only; two projects whose ids differ by case share a repository then,
 * which is harmless, since the tag is the deployment.
 */
export function imageName(registry: string, { workspaceId, projectId, deploymentId }: ImageOwner): string {
  return `${registry}/${workspaceId.toLowerCase()}/${projectId.toLowerCase()}:${deploymentId}`;
}

/** The text for the user: the instruction, its exit code, and its last output. */
export function failureText(failure: BuildFailure): string {
  const { message, instruction, exitCode, lastLines } = failure;
  const parts = [message];
  if (instruction !== undefined && !message.includes(instruction)) {
    parts.push(`The instruction was "${instruction}".`);
  }
  if (exitCode !== undefined && !message.includes(`exit code ${exitCode}`)) {
    parts.push(`Its exit code was ${exitCode}.`);
  }
  const tail = lastLines.slice(-MESSAGE_LINES_MAX);
  if (tail.length > 0) parts.push(`Its last output:\n${tail.join("\n")}`);
  const text = parts.join(" ").replaceAll(". Its last output:", ".\nIts last output:");
  return text.length <= MESSAGE_CHARACTERS_MAX ? text : `${text.slice(0, MESSAGE_CHARACTERS_MAX)}...`;
}

/** True for steps of the Dockerfile, false for the builder's own preparations. */
export function isInstruction(stepName: string): boolean {
  return /^\[/.test(stepName) && !stepName.startsWith("[internal]");
}

const LINES_MAX = 20;

/** The failure as it is recorded. */
export function failedBuild(failure: BuildFailure): FailedBuild {
  const { code, exitCode, instruction = "", lastLines } = failure;
  const failed = { kind: "failed", code, message: failureText(failure) } as const;
  if (exitCode === undefined && lastLines.length === 0) return failed;
  const exit = exitCode === undefined ? {} : { exitCode };
  return {
    ...failed,
    details: { ...exit, source: "build", origin: instruction, lines: lastLines.slice(-LINES_MAX) },
  };
}

export const CONTEXT_MISSING: FailedBuild = {
  kind: "failed",
  code: "context_missing",
  message: "The build context was never uploaded, or has been deleted. Deploy again to upload it anew.",
};

export const TIMED_OUT: FailedBuild = {
  kind: "failed",
  code: "build_timeout",
  message:
    "The build took longer than is allowed and was stopped. Make it shorter, for example with layers that can be " +
    "cached, then deploy again.",
};

export function contextInvalid(message: string): FailedBuild {
  return { kind: "failed", code: "context_invalid", message };
}

export function dockerfileMissing(path: string): FailedBuild {
  const message =
    `There is no file "${path}" in the build context. Create it, or name another one with --dockerfile.`;
  return { kind: "failed", code: "dockerfile_missing", message };
}

export function dockerfileTooLarge(path: string, bytesMax: number): FailedBuild {
  const message = `The file "${path}" is larger than ${bytesMax / 1024} KiB, which no Dockerfile may be. ` +
    "Move its content into files that it copies, or name another one with --dockerfile.";
  return { kind: "failed", code: "context_invalid", message };
}
