import { Fault } from "../fault/mod.ts";
import type { S3Options } from "./client.ts";

/** Refusals that no permission would change, and what to look at. */
const KEY_PROBLEMS: Record<string, string> = {
  InvalidAccessKeyId: "the access key is not known there: check the access key id",
  SignatureDoesNotMatch: "the signature is refused: check the secret access key and the region",
  AuthorizationHeaderMalformed: "the signature is refused: check the region",
  ExpiredToken: "the session token has expired: give the process new credentials",
  InvalidToken: "the session token is refused: it must be the one of the access key",
  CredentialsProviderError:
    "no credentials were found: give the process an access key, or the machine or pod a role that may use it",
};

/** True for a refusal of the key itself. */
export function isKeyProblem(error: unknown): boolean {
  return Object.hasOwn(KEY_PROBLEMS, nameOf(error));
}

/** The fault for an error of S3. */
export function s3Fault(error: unknown, options: S3Options): Fault {
  const where = `bucket "${options.bucket}" at ${options.url}`;
  const problem = KEY_PROBLEMS[nameOf(error)];
  if (problem !== undefined) {
    const text = `Cannot use ${where}: ${problem}.`;
    return new Fault("failed_precondition", text, { publicMessage: text, cause: error });
  }
  const status = statusOf(error);
  if (status === 403 || status === 404 || status === 409) {
    const text = status === 404
      ? `Cannot use ${where}: it does not exist, and the access key could not create it. Create the bucket.`
      : `Cannot use ${where}: it does not exist or the access key has no permission for it. ` +
        "Create it, or give the key s3:PutObject, s3:GetObject and s3:DeleteObject.";
    return new Fault("failed_precondition", text, { publicMessage: text, cause: error });
  }
  return new Fault("unavailable", `Cannot reach ${where}`, { cause: error });
}

export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

/** The status of S3's answer, or `undefined` when none came. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("$metadata" in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return undefined;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : undefined;
}
