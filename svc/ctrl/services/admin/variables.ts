import { transact } from "../../../../pkg/db/mod.ts";
import { Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { plaintextBytes } from "../../../../pkg/vault/mod.ts";
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
  setEnvironmentVariables,
} from "../../internal/store/mod.ts";
import { reserve } from "../../internal/limits/mod.ts";
import { byteLength, invalid, variableName } from "../../internal/validate/mod.ts";
import type { AdminDeps } from "./deps.ts";

export interface EnvironmentRef {
  readonly projectId: string;
  readonly environmentSlug: string;
}

/** Names and values of one environment together; more would not fit into a process's environment beside the rest. */
const BYTES_MAX = 64 * 1024;
const VARIABLES_MAX = 500;

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
  const given = Object.entries(variables);
  for (const [name, value] of given) {
    variableName("variables", name);
    if (name === "PORT") {
      throw invalid(
        "variables",
        'must not hold PORT: the app gets the port that "unkey deploy --port" names',
      );
    }
    if (value.includes("\0")) throw invalid(`variables.${name}`, "must not contain NUL");
  }
  if (given.reduce((sum, [name, value]) => sum + byteLength(name) + byteLength(value), 0) > BYTES_MAX) {
    throw tooLarge();
  }
  const { db, clock, vault } = deps;
  const encrypted = await Promise.all(given.map(async ([name, value]) => ({
    name,
    ciphertext: await vault.encrypt(environment.id, name, value),
  })));
  const nowMs = clock.now();
  await transact(db, async (tx) => {
    // The limits hold for concurrent calls together, so they take turns.
    await lockWorkspace(tx, caller.workspaceId);
    if (await lockEnvironment(tx, environment.id) === undefined) throw deleted(environment.slug);
    const after = new Map(
      (await listEnvironmentVariables(tx, environment.id)).map((row) => [row.name, row.ciphertext]),
    );
    const before = after.size;
    for (const { name, ciphertext } of encrypted) after.set(name, ciphertext);
    const bytes = [...after].reduce((sum, [name, each]) => sum + byteLength(name) + plaintextBytes(each), 0);
    if (bytes > BYTES_MAX || after.size > VARIABLES_MAX) throw tooLarge();
    const added = after.size - before;
    if (added > 0) await reserve(tx, ["variables"], { workspaceId: caller.workspaceId, added, nowMs });
    await setEnvironmentVariables(tx, {
      workspaceId: caller.workspaceId,
      environmentId: environment.id,
      variables: encrypted,
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

function tooLarge(): Fault {
  const text =
    `An environment holds at most ${VARIABLES_MAX} variables and 64 KiB of names and values together: ` +
    "remove some, or keep large values in files of the image.";
  return new Fault("too_large", text, { publicMessage: text });
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
