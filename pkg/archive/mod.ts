/**
 * A folder as a build context: the files that `.dockerignore` leaves, as a `.tar.gz`, and the Dockerfile beside it.
 *
 * ```ts
 * const root = await contextRoot("shop");
 * const dockerfile = await findDockerfile({ root, dockerfile: "Dockerfile", cwd: "/home/me" });
 * await using packed = await packContext({
 *   root, dockerfile, cacheDirectory, temporaryDirectory, nowMs: clock.now(), signal,
 * });
 * await send(packed.path, packed.sizeBytes, packed.checksumSha256);
 * ```
 *
 * Ignore rules, modes, times, links and hard links mean the same as to Docker. Links are never followed. An unchanged tree
 * is recognised by the stamps of its files and not read again.
 *
 * @module
 */
export { type DockerfileSource, findDockerfile } from "./dockerfile.ts";
export { describeShares, formatBytes, largestShares, type Share } from "./largest.ts";
export { listBuildContext, type ListedContext } from "./list.ts";
export { type Entry } from "./walk.ts";
export { contextRoot, packContext, type PackedContext, type PackOptions } from "./pack.ts";
