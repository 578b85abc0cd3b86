import { contextRules } from "./context_rules.ts";
import type { DockerfileSource } from "./dockerfile.ts";
import { IgnoreMatcher } from "./matcher.ts";
import { contextRoot } from "./pack.ts";
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
