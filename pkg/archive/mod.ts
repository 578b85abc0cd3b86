/**
 * A folder as a build context: the files that `.dockerignore` leaves, and the Dockerfile beside them.
 *
 * ```ts
 * const root = await contextRoot("shop");
 * const dockerfile = await findDockerfile({ root, dockerfile: "Dockerfile", cwd: "/home/me" });
 * const { entries } = await listBuildContext(root, dockerfile, signal);
 * ```
 *
 * Ignore rules, modes, times, links and hard links mean the same as to Docker. Links are never followed.
 *
 * @module
 */
export { type DockerfileHints, type DockerfileSource, findDockerfile } from "./dockerfile.ts";
export { describeShares, formatBytes, largestShares, type Share } from "./largest.ts";
export { contextRoot, listBuildContext, type ListedContext } from "./list.ts";
export { type Entry } from "./walk.ts";
