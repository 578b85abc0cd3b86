import { transact } from "../../../../pkg/db/mod.ts";
import { type Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { newPassword } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import { EDGE_REGION } from "../../internal/changes/mod.ts";
import { PRODUCTION_SLUG } from "../../internal/deployments/domains.ts";
import {
  hashPassword,
  newSealedKey,
  PASSWORD_BYTES_MAX,
  PASSWORD_CHARACTERS_MIN,
  type ShownProtection,
  shownProtection,
} from "../../internal/protection/mod.ts";
import {
  ALL_PREVIEWS,
  announceEnvironments,
  type EnvironmentsTable,
  findEarlierApiProcess,
  listEnvironments,
  listProtections,
  lockProject,
  type ProjectsTable,
  PROTECTION_REVISION,
  protectionOf,
  type ProtectionsTable,
  putProtection,
  recordAudit,
  removeProtections,
  type Tx,
} from "../../internal/store/mod.ts";
import { invalid } from "../../internal/validate/mod.ts";
import type { ProtectionDeps } from "./protection_deps.ts";

export type ProtectionChange =
  | { readonly kind: "password"; readonly password: string }
  | { readonly kind: "generate" }
  | { readonly kind: "off" };

export interface SetProtectionRequest {
  readonly projectId: string;
  /** Empty: all environments but production. */
  readonly environmentSlug: string;
  readonly change: ProtectionChange;
}

export interface ProtectionSet {
  /** A password that was made here; it is shown once. */
  readonly password: string | undefined;
  readonly environments: readonly ShownProtection[];
}

/**
 * Sets or ends the password of an environment, or of all previews. Links and cookies of a former password end.
 *
 * @throws `not_found`, `permission_denied`; `invalid_argument` for a password that is too short or too long;
 * `failed_precondition` while a process of an earlier release would show edges the environment as open
 */
export async function setProtection(
  deps: ProtectionDeps,
  caller: RootKeyPrincipal,
  { projectId, environmentSlug, change }: SetProtectionRequest,
): Promise<ProtectionSet> {
  const { db, clock, notifier } = deps;
  const project = await requireProject({ db }, caller, { id: projectId, action: "protect_environment" });
  const environment = environmentSlug === ""
    ? undefined
    : await requireEnvironment({ db }, project, environmentSlug);
  const made = change.kind === "generate" ? newPassword() : undefined;
  const password = change.kind === "password" ? checked(change.password) : made;
  const nowMs = clock.now();
  if (password !== undefined) await requireKnowingProcesses(deps, nowMs);
  const row = await rowFor(deps, project, { environment, password, nowMs });
  const result = await transact(db, async (tx) => {
    await lockProject(tx, project.id);
    const before = await readState(tx, project);
    if (environment !== undefined && before.environments.every(({ id }) => id !== environment.id)) {
      throw publicFault("not_found", `Environment "${environment.slug}" was deleted.`);
    }
    await (row.mode === "password" ? protect(tx, before, row) : open(tx, before, row));
    const after = await readState(tx, project);
    await recordAudit(tx, {
      workspaceId: caller.workspaceId,
      actor: actorOf(caller),
      action: password === undefined ? "environment.unprotect" : "environment.protect",
      resource: environment === undefined
        ? { type: "project", id: project.id }
        : { type: "environment", id: environment.id },
      projectId: project.id,
      ...(environment === undefined ? {} : { environmentId: environment.id }),
      facts: { environment: environment?.slug ?? "all previews" },
      nowMs,
    });
    const announced = await announceEnvironments(tx, changedBetween(before, after), nowMs);
    return { environments: after.environments.map((each) => shownProtection(after.rows, each)), announced };
  });
  if (result.announced) notifier.changed([EDGE_REGION]);
  return { password: made, environments: result.environments };
}

function checked(password: string): string {
  if ([...password].length < PASSWORD_CHARACTERS_MIN) {
    throw invalid("password", `must have at least ${PASSWORD_CHARACTERS_MIN} characters`);
  }
  if (new TextEncoder().encode(password).length <= PASSWORD_BYTES_MAX && password.isWellFormed()) {
    return password;
  }
  throw invalid("password", `must be at most ${PASSWORD_BYTES_MAX} bytes of text`);
}

/** The row as the change asks for it; an open one matters only for an environment of a protected project. */
async function rowFor(
  { vault }: ProtectionDeps,
  project: ProjectsTable,
  { environment, password, nowMs }: {
    readonly environment: EnvironmentsTable | undefined;
    readonly password: string | undefined;
    readonly nowMs: number;
  },
): Promise<ProtectionsTable> {
  const owner = {
    workspace_id: project.workspace_id,
    project_id: project.id,
    environment_id: environment?.id ?? ALL_PREVIEWS,
  };
  return {
    ...owner,
    mode: password === undefined ? "open" : "password",
    password_hash: password === undefined ? "" : await hashPassword(password),
    sealed_key: password === undefined ? "" : await newSealedKey(vault, owner),
    created_at: nowMs,
    updated_at: nowMs,
  };
}

interface State {
  readonly environments: readonly EnvironmentsTable[];
  readonly rows: readonly ProtectionsTable[];
}

async function readState(tx: Tx, { id, workspace_id: workspaceId }: ProjectsTable): Promise<State> {
  return {
    environments: await listEnvironments(tx, workspaceId, id),
    rows: await listProtections(tx, { workspaceId, projectId: id }),
  };
}

/** A password of all previews also covers those that were open; those with a password of their own keep it. */
async function protect(tx: Tx, { rows }: State, row: ProtectionsTable): Promise<void> {
  await putProtection(tx, row);
  if (row.environment_id === ALL_PREVIEWS) {
    await removeProtections(
      tx,
      rows.filter(({ mode }) => mode === "open"),
    );
  }
}

/** Without an environment, all previews are open then, whatever password they had. */
async function open(tx: Tx, { rows, environments }: State, row: ProtectionsTable): Promise<void> {
  if (row.environment_id === ALL_PREVIEWS) {
    const production = environments.find(({ slug }) => slug === PRODUCTION_SLUG)?.id;
    return await removeProtections(tx, rows.filter(({ environment_id: id }) => id !== production));
  }
  await removeProtections(tx, rows.filter(({ environment_id: id }) => id === row.environment_id));
  const rest = rows.filter(({ environment_id: id }) => id !== row.environment_id);
  const environment = environments.find(({ id }) => id === row.environment_id);
  if (environment !== undefined && protectionOf(rest, environment) !== undefined) {
    await putProtection(tx, row);
  }
}

/** The environments whose visitors have to prove something else than before. */
function changedBetween(before: State, after: State): readonly string[] {
  const key = ({ rows }: State, environment: EnvironmentsTable): string | undefined =>
    protectionOf(rows, environment)?.sealed_key;
  return after.environments.filter((each) => key(before, each) !== key(after, each)).map(({ id }) => id);
}

/** An api process of an earlier release sends edges routes without their protection. */
async function requireKnowingProcesses({ db }: ProtectionDeps, nowMs: number): Promise<void> {
  const earlier = await findEarlierApiProcess(db.kysely, { feedRevision: PROTECTION_REVISION, nowMs });
  if (earlier !== undefined) throw upgradeFirst(earlier);
}

function upgradeFirst(id: string): Fault {
  return publicFault(
    "failed_precondition",
    `The api process ${id} is of an earlier release, which does not protect environments. ` +
      "Nothing was changed: try again when all api processes are upgraded.",
  );
}
