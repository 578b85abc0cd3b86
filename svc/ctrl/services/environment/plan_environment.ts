import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { type ProjectAction, requireInProject } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import type { AppSettings } from "../../internal/deployments/app/settings.ts";
import { PRODUCTION_SLUG } from "../../internal/deployments/host_label.ts";
import { domainMissing, refuseElsewhere } from "../../internal/domains/mod.ts";
import {
  type CtrlDatabase,
  type EnvironmentsTable,
  findCustomDomain,
  type ProjectsTable,
} from "../../internal/store/mod.ts";
import { wholeScaling } from "../../internal/validate/scaling.ts";
import type { Workflows } from "../../internal/workflows/mod.ts";
import { fingerprintOf, type Plan, planChanges, type Wanted } from "./plan.ts";
import { openState, readRows, type StateRows, variableDigest } from "./planned_state.ts";
import { type CheckedWanted, checkWanted, type WantedLimits, type WireWanted } from "./wanted.ts";

export interface PlanDeps extends WantedLimits {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly vault: Vault;
  readonly notifier: ChangeNotifier;
  readonly workflows: Pick<Workflows, "verifyDomain">;
  /** Of a workspace. */
  readonly domainsMax: number;
}

export interface PlanRequest {
  readonly projectId: string;
  readonly environmentSlug: string;
  readonly wanted: WireWanted;
}

/** A plan, with all that an apply needs. */
export interface Planned {
  readonly project: ProjectsTable;
  readonly environment: EnvironmentsTable;
  readonly checked: CheckedWanted;
  readonly wanted: Wanted;
  readonly rows: StateRows;
  readonly plan: Plan;
  readonly fingerprint: string;
}

/**
 * Compares what is wanted with what the environment has and serves. What an apply would refuse is refused here, but for
 * limits of the workspace.
 *
 * @throws `not_found`, `permission_denied`, `invalid_argument`; `failed_precondition` for a required variable without a
 * value; `already_exists` for a domain of another environment
 */
export async function planEnvironment(
  deps: PlanDeps,
  caller: RootKeyPrincipal,
  request: PlanRequest,
): Promise<Planned> {
  // An answer says whether a value is the stored one, so that only a key that may write values may ask.
  const { variables, domains } = request.wanted;
  return await planFor(deps, caller, request, [
    "read_deployment",
    "read_environment",
    ...Object.keys(variables).length === 0 ? [] : ["write_environment_variables"] as const,
    ...domains.length === 0 ? [] : ["read_domain"] as const,
  ]);
}

/** The same for a caller that needs other permissions. */
export async function planFor(
  deps: PlanDeps,
  caller: RootKeyPrincipal,
  { projectId, environmentSlug, wanted: wire }: PlanRequest,
  actions: readonly [ProjectAction, ...ProjectAction[]],
): Promise<Planned> {
  const [action, ...more] = actions;
  const project = await requireProject(deps, caller, { id: projectId, action });
  for (const each of more) requireInProject(caller, each, project.id);
  const environment = await requireEnvironment(deps, project, environmentSlug);
  const checked = checkWanted(wire, deps, environment.slug);
  const given = {
    ...checked,
    variables: new Map(
      [...checked.variables].map((
        [name, value],
      ) => [name, variableDigest(deps.vault, environment.id, name, value)]),
    ),
  };
  const rows = await readRows(deps.db.kysely, environment, [...given.domains.keys()]);
  const { stored, live } = await openState(deps.vault, rows);
  const wanted = environment.slug === PRODUCTION_SLUG ? sleepingAs(stored.settings, given) : given;
  requireVariables(wanted, stored.variables, environment.slug);
  await requireDomainsOf(deps, { project, environment, wanted, rows });
  const plan = planChanges(wanted, stored, live);
  if (checked.settings.scaling !== undefined && plan.settings.scaling !== undefined) {
    wholeScaling("wanted.settings.scaling", plan.settings.scaling);
  }
  const fingerprint = fingerprintOf(wanted, stored, live);
  return { project, environment, checked, wanted, rows, plan, fingerprint };
}

/** A file has one time for all environments: production goes on as was set for it. */
function sleepingAs({ sleepSeconds }: AppSettings, wanted: Wanted): Wanted {
  const { sleepSeconds: _, ...settings } = wanted.settings;
  return { ...wanted, settings: { ...settings, ...(sleepSeconds === undefined ? {} : { sleepSeconds }) } };
}

function requireVariables(
  { requiredVariables }: Wanted,
  stored: ReadonlyMap<string, string>,
  environment: string,
): void {
  const missing = requiredVariables.filter((name) => !stored.has(name));
  if (missing.length === 0) return;
  const [has, them] = missing.length === 1 ? ["has", "it"] : ["have", "them"];
  throw publicFault(
    "failed_precondition",
    `${missing.join(", ")} must have a value in "${environment}" and ${has} none: set ${them} with ` +
      `"unkey variables set ${missing[0]} --env ${environment}".`,
  );
}

/** The domains belong to this environment or to none, and redirects lead to domains of the project that serve. */
async function requireDomainsOf(
  { db }: PlanDeps,
  { project, environment, wanted, rows }: Pick<Planned, "project" | "environment" | "wanted" | "rows">,
): Promise<void> {
  for (const row of rows.domains) refuseElsewhere(row, environment);
  const { workspace_id: workspaceId } = environment;
  for (const [hostname, to] of wanted.domains) {
    if (to === "") continue;
    const known = await findCustomDomain(db.kysely, { workspaceId, hostname: to });
    const then = wanted.domains.get(to) ?? (known?.project_id === project.id ? known.redirect_to : undefined);
    if (then === undefined) throw domainMissing(to, project.slug);
    if (then === "" && to !== hostname) continue;
    throw publicFault(
      "failed_precondition",
      `"${hostname}" cannot be redirected to "${to}", which is redirected itself: let "${to}" serve.`,
    );
  }
}
