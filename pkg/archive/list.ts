import { realpath, stat } from "node:fs/promises";
import { publicFault } from "../fault/mod.ts";
import { contextRules } from "./context_rules.ts";
import type { DockerfileSource } from "./dockerfile.ts";
import { IgnoreMatcher } from "./matcher.ts";
import { type Entry, listContext } from "./walk.ts";

/** A folder as a build context. */
export interface ListedContext {
  /** The folder without links. */
  readonly root: string;
  /** The entries that the ignore rules let through, each folder before all that is in it. */
  readonly entries: readonly Entry[];
}

/**
 * Lists a build context.
 *
 * @throws `not_found` when there is no such folder, `failed_precondition` when something cannot be read, `invalid_argument` for a rule
 * of an ignore file
 */
export async function listBuildContext(
  folder: string,
  dockerfile: Pick<DockerfileSource, "file" | "name">,
  signal: AbortSignal,
): Promise<ListedContext> {
  const root = await contextRoot(folder);
  const { rules, file } = await contextRules(root, dockerfile);
  return { root, entries: await listContext(root, new IgnoreMatcher(rules, file), signal) };
}

/** The folder's path without links. @throws `not_found` when it is no folder */
export async function contextRoot(given: string): Promise<string> {
  const root = await realpath(given).catch(() => undefined);
  if (root === undefined) {
    throw publicFault("not_found", `There is no folder ${given}. Name the folder to deploy.`);
  }
  if ((await stat(root)).isDirectory()) return root;
  throw publicFault("not_found", `${given} is not a folder. Name the folder that holds the Dockerfile.`);
}
