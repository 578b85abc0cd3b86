import { hash } from "node:crypto";
import type { CreateRequest } from "./create_request.ts";

/**
 * Recognizes what a create asks for, so that an idempotency key that comes again with something else is noticed. Of the
 * request as it was sent: what defaults stand for may change between two calls.
 */
export function fingerprint(request: CreateRequest): string {
  const { projectId, environmentSlug, branch, source, git, command, port, healthCheckPath } = request;
  return hash(
    "sha256",
    JSON.stringify([
      projectId,
      environmentSlug,
      branch,
      source?.kind === "context"
        ? ["context", source.objectKey, source.dockerfilePath]
        : source?.image ?? null,
      git === undefined ? null : [
        git.commitSha,
        git.commitMessage,
        git.authorHandle,
        git.authorAvatarUrl,
        git.timestampMs,
      ],
      command,
      port,
      healthCheckPath,
      request.redeployOf,
    ]),
    "hex",
  );
}
