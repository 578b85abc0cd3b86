import { publicFault } from "../../../pkg/fault/mod.ts";
import { findNameOwner, type NameOwner, type Tx } from "./store/mod.ts";

/** A project, or one environment of it, that is about to be created. */
export interface NewName {
  readonly workspaceId: string;
  readonly project: string;
  /** Those that are created. */
  readonly environments: readonly string[];
  /** True when the project is created, too. */
  readonly isProject: boolean;
}

/**
 * Refuses a project or environment whose host name would be that of another one: `shop-eu` is both the environment `eu` of `shop` and the
 * project `shop-eu`. Later its deploys would fail. The caller holds the workspace's lock.
 *
 * @throws `failed_precondition`
 */
export async function refuseTakenNames(tx: Tx, created: NewName): Promise<void> {
  const { workspaceId, project, environments, isProject } = created;
  const names = [...(isProject ? [project] : []), ...environments.map((slug) => `${project}-${slug}`)];
  const owner = await findNameOwner(tx, workspaceId, names);
  // The unique indices refuse the same slug, with a text of their own.
  if (owner === undefined || isSame(owner, created)) return;
  const [other, environment] = [`project "${owner.project}"`, owner.environment];
  throw publicFault(
    "failed_precondition",
    `A host name would be that of ${
      environment === undefined ? other : `the environment "${environment}" of ${other}`
    }: ` +
      "names are made of project and environment. Choose another slug.",
  );
}

function isSame({ project, environment }: NameOwner, created: NewName): boolean {
  return project === created.project &&
    (environment === undefined ? created.isProject : created.environments.includes(environment));
}
