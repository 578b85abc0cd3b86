/** Names and texts of builds. Pure. */
import type { FailureCode } from "../../internal/deployments/status.ts";

/** Why a build ended without an image, as its builder knows it. */
export interface BuilderFailure {
  readonly code: Extract<
    FailureCode,
    | "build_failed"
    | "dockerfile_missing"
    | "context_invalid"
    | "push_denied"
    | "push_failed"
    | "registry_full"
    | "registry_unavailable"
  >;
  readonly message: string;
  readonly instruction?: string;
  readonly exitCode?: number;
  readonly lastLines: readonly string[];
}

const MESSAGE_LINES_MAX = 10;
const MESSAGE_CHARACTERS_MAX = 4_000;

/** What stands for a registry in the names of images that stay in the engine that built them. */
export const LOCAL_REGISTRY = "unkey.local";

/** What built images say about themselves. */
export const IMAGE_LABEL = { project: "dev.unkey.project", deployment: "dev.unkey.deployment" } as const;

/** Whose image it is. */
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

/** The image of a name and tag as everybody gets it, whatever becomes of the tag. */
export function imageByDigest(tag: string, digest: string): string {
  return `${tag.slice(0, tag.lastIndexOf(":"))}@${digest}`;
}

/** What the user is told: the instruction, its exit code, and what it printed last. */
export function failureText(failure: BuilderFailure): string {
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

/** Whether the user wrote the step, as opposed to the builder's own preparations. */
export function isInstruction(stepName: string): boolean {
  return /^\[/.test(stepName) && !stepName.startsWith("[internal]");
}
