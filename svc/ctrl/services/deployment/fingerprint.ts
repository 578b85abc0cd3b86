import { digestOf, sha256Hex } from "../../../../pkg/hash/mod.ts";
import type { ContextSource } from "./build_context.ts";
import { NO_OPTIONS } from "./build_settings.ts";
import type { CreateRequest } from "./create_request.ts";

/**
 * Recognizes what a create asks for, so that an idempotency key that comes again with something else is noticed. Of the
 * request as it was sent: what defaults stand for may change between two calls.
 */
export function fingerprint(request: CreateRequest): string {
  const {
    projectId,
    environmentSlug,
    branch,
    source,
    git,
    command,
    port,
    healthCheckPath,
    size,
    startSeconds,
    protocol,
    app,
    gradual,
  } = request;
  return digestOf([
    projectId,
    environmentSlug,
    branch,
    source?.kind === "context"
      ? ["context", source.objectKey, source.dockerfilePath, ...buildParts(source)]
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
    // Nothing without a size: the fingerprint stays that of servers that knew none.
    ...(size === undefined ? [] : [[size.cpuMillicores, size.memoryMib, size.replicas]]),
    ...(startSeconds === 0 ? [] : [{ startSeconds }]),
    ...(protocol === "" ? [] : [{ protocol }]),
    ...(app === undefined ? [] : [{ app: sortedKeys(app) }]),
    ...(gradual === undefined ? [] : [{ gradual: [gradual.steps, gradual.everyMs, gradual.sticky] }]),
  ]);
}

/** Nothing for an archive alone, whose fingerprint stays that of servers that knew nothing else. */
function buildParts({ dockerfile, build }: ContextSource): readonly unknown[] {
  const { arguments: values, secrets, target, noCache, pull, platform, variableArguments } = build;
  const settings = [
    sorted(Object.entries(values)),
    sorted(Array.from(secrets, ([id, bytes]) => [id, sha256Hex(bytes)])),
    target,
    noCache,
    pull,
    platform,
    variableArguments,
  ];
  if (dockerfile === undefined && JSON.stringify(settings) === NO_SETTINGS) return [];
  return [dockerfile === undefined ? null : sha256Hex(dockerfile), settings];
}

const NO_SETTINGS = JSON.stringify([
  [],
  [],
  NO_OPTIONS.target,
  NO_OPTIONS.noCache,
  NO_OPTIONS.pull,
  NO_OPTIONS.platform,
  NO_OPTIONS.variableArguments,
]);

/** The same value with the keys of its objects in order. */
function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== "object" || value === null) return value;
  const named = Object.entries(value).filter(([name, each]) =>
    each !== undefined && name !== "$typeName" && name !== "$unknown"
  );
  return Object.fromEntries(
    named.toSorted(([a], [b]) => a < b ? -1 : 1).map(([name, each]) => [name, sortedKeys(each)]),
  );
}

function sorted(entries: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  return entries.toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
}
