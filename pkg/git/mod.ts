/**
 * The commit and branch that a folder is deployed from.
 *
 * ```ts
 * const commit = await readCommit("/home/me/shop", { env, signal }); // undefined outside of a repository
 * ```
 *
 * Three sources, in this order: the `git` program, the variables of a CI system, and the files of the repository, which
 * also answer where git is missing or refuses to read a repository of another user. None uses the network, and none
 * runs a program that the repository configures. Everything here is for display and for names: a deploy never fails
 * for the lack of it, and what cannot be known is absent.
 *
 * @module
 */
export { type Commit, readCommit } from "./commit.ts";
export type { GitOptions } from "./types.ts";
