/**
 * A folder as a build context: the files that `.dockerignore` leaves, and the Dockerfile beside them.
 *
 * ```ts
 * const root = await contextRoot("shop");
 * const dockerfile = await findDockerfile({ root, dockerfile: "Dockerfile", cwd: "/home/me" });
 * const { entries, explain } = await listBuildContext(root, { dockerfile, includeGit: false }, signal);
 * explain("dist/app.js"); // { included: false, matched: "dist", rule: { line: 3, text: "dist", ... } }
 * ```
 *
 * Ignore rules, modes, times, links and hard links mean the same as to Docker, except that `.git` is left out unless it is asked
 * for. Links are never followed.
 *
 * @module
 */
export type { ContextOptions } from "./context_rules.ts";
export { copiedPaths } from "./copied_paths.ts";
export {
  DOCKERFILE_BYTES_MAX,
  type DockerfileHints,
  type DockerfileSource,
  findDockerfile,
} from "./dockerfile.ts";
export type { Decision } from "./explain.ts";
export type { Rule } from "./ignore_file.ts";
export { ignoreLine } from "./ignore_line.ts";
export { describeShares, formatBytes, largestShares, type Share } from "./largest.ts";
export { contextRoot, listBuildContext, type ListedContext } from "./list.ts";
export { type AttributeReader, openAttributeReader } from "./lstat.ts";
export { type Entry, stampOf } from "./walk.ts";
