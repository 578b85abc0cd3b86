import { realpath, stat } from "node:fs/promises";
import { publicFault } from "../fault/mod.ts";
import { type ContextOptions, contextRules } from "./context_rules.ts";
import { type Decision, explainPath } from "./explain.ts";
import { IgnoreMatcher } from "./matcher.ts";
import { type Entry, listContext } from "./walk.ts";

/** A folder as a build context. */
export interface ListedContext {
  /** The folder without links. */
  readonly root: string;
  /** The entries that the ignore rules let through, each folder before all that is in it. */
  readonly entries: readonly Entry[];
  /** The ignore file that holds for this build, for messages; it need not be there. */
  readonly ignoreFile: string;
  /** True if no rule of that file matches anything, since it is in UTF-16. */
  readonly utf16: boolean;
  /** The reason for which a path, relative and with slashes, is among the entries, or is not. */
  readonly explain: (path: string) => Decision;
}

/**
 * Lists a build context.
 *
 * @throws `not_found` when there is no such folder, `failed_precondition` when something cannot be read, `invalid_argument` for a rule
 * of an ignore file
 */
export async function listBuildContext(
  folder: string,
  options: ContextOptions,
  signal: AbortSignal,
): Promise<ListedContext> {
  const root = await contextRoot(folder);
  const { rules, file, utf16 } = await contextRules(root, options);
  const matcher = new IgnoreMatcher(rules, file);
  const entries = await listContext(root, matcher, signal);
  return { root, entries, ignoreFile: file, utf16, explain: (path) => explainPath(matcher, path) };
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
