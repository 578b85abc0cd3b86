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
 * Ignore rules mean what they mean to Docker. Links are kept as links and never followed.
 *
 * @module
 */
export { packContext, type PackedContext, type PackOptions } from "./pack.ts";
