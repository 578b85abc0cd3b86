import { transact } from "../../../../pkg/db/mod.ts";
import { type Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import type { ProjectAction } from "../../internal/auth/permissions.ts";
import {
  type EnvironmentsTable,
  type EnvironmentVariablesTable,
  listEnvironmentVariables,
  lockEnvironment,
  lockWorkspace,
  recordAudit,
  removeEnvironmentVariable,
} from "../../internal/store/mod.ts";
import { variableName } from "../../internal/validate/mod.ts";
import { checkVariables, writeVariables } from "../../internal/variables/write.ts";
import type { AdminDeps } from "./deps.ts";

export interface EnvironmentRef {
  readonly projectId: string;
  readonly environmentSlug: string;
}

/**
 * Sets variables of an environment, encrypted; the others stay. Deployments created from now on get them.
 *
 * @throws `invalid_argument` for a bad name or value, `too_large` when the environment would hold more than 64 KiB
 */
export async function setVariables(
  deps: AdminDeps,
  caller: RootKeyPrincipal,
  { environment: ref, variables }: {
    readonly environment: EnvironmentRef;
    readonly variables: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const environment = await requireRef(deps, caller, ref, "write_environment_variables");
  checkVariables("variables", variables);
  const { db, clock, vault } = deps;
  const encrypted = await Promise.all(
    Object.entries(variables).map(async ([name, value]) => ({
      name,
      ciphertext: await vault.encrypt(environment.id, name, value),
    })),
  );
  const nowMs = clock.now();
  await transact(db, async (tx) => {
    // The limits hold for concurrent calls together, so they take turns.
    await lockWorkspace(tx, caller.workspaceId);
    if (await lockEnvironment(tx, environment.id) === undefined) throw deleted(environment.slug);
    await writeVariables(tx, {
      workspaceId: caller.workspaceId,
      environmentId: environment.id,
      set: encrypted,
      removed: [],
      nowMs,
    });
    await recordAudit(tx, {
      ...auditOf(caller, environment, nowMs),
      action: "variables.set",
      facts: { names: encrypted.map(({ name }) => name).sort() },
    });
  });
}

function deleted(slug: string): Fault {
  return publicFault("not_found", `Environment "${slug}" was not found: it was deleted meanwhile.`);
}

/** Names of an environment's variables; values are never read back. */
export async function listVariables(
  deps: AdminDeps,
  caller: RootKeyPrincipal,
  ref: EnvironmentRef,
): Promise<EnvironmentVariablesTable[]> {
  const environment = await requireRef(deps, caller, ref, "read_environment");
  return await listEnvironmentVariables(deps.db.kysely, environment.id);
}

/** Removes a variable; false when there was none. */
export async function removeVariable(
  deps: AdminDeps,
  caller: RootKeyPrincipal,
  { environment: ref, name }: { readonly environment: EnvironmentRef; readonly name: string },
): Promise<boolean> {
  const environment = await requireRef(deps, caller, ref, "write_environment_variables");
  const known = variableName("key", name);
  const nowMs = deps.clock.now();
  return await transact(deps.db, async (tx) => {
    if (!await removeEnvironmentVariable(tx, environment.id, known)) return false;
    await recordAudit(tx, {
      ...auditOf(caller, environment, nowMs),
      action: "variables.remove",
      facts: { names: [known] },
    });
    return true;
  });
}

function auditOf(caller: RootKeyPrincipal, environment: EnvironmentsTable, nowMs: number) {
  return {
    workspaceId: caller.workspaceId,
    actor: actorOf(caller),
    resource: { type: "environment", id: environment.id },
    projectId: environment.project_id,
    environmentId: environment.id,
    nowMs,
  } as const;
}

async function requireRef(
  deps: AdminDeps,
  caller: RootKeyPrincipal,
  ref: EnvironmentRef,
  action: ProjectAction,
): Promise<EnvironmentsTable> {
  const project = await requireProject(deps, caller, { id: ref.projectId, action });
  return await requireEnvironment(deps, project, ref.environmentSlug);
}
