/**
 * A folder as a build context: what `.dockerignore` leaves of it, as a `.tar.gz` whose bytes depend on nothing else.
 *
 * ```ts
 * await using packed = await packContext({
 *   root: "/home/me/shop", dockerfile: "Dockerfile", cacheDirectory, temporaryDirectory, nowMs: clock.now(), signal,
 * });
 * await send(packed.path, packed.sizeBytes, packed.checksumSha256);
 * ```
 *
 * Ignore rules mean what they mean to Docker. Links are kept as links and never followed. An unchanged tree is
 * recognised by the stamps of its files and not read again.
 *
 * @module
 */
export { checkDockerfile } from "./context_rules.ts";
export { describeShares, formatBytes, type Share } from "./largest.ts";
export { contextRoot, packContext, type PackedContext, type PackOptions } from "./pack.ts";
