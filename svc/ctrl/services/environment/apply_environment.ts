import { describeError, type Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { EDGE_REGION } from "../../internal/changes/mod.ts";
import { encodeAppSettings } from "../../internal/deployments/app/settings.ts";
import { encodeSizeSettings } from "../../internal/deployments/size.ts";
import {
  addDomainWithin,
  newCustomDomain,
  redirectWithin,
  requireDomains,
} from "../../internal/domains/mod.ts";
import {
  type CustomDomainsTable,
  followSleepTimes,
  lockEnvironment,
  lockWorkspace,
  recordAudit,
  scaleEnvironment,
  setEnvironmentAppSettings,
  setEnvironmentSize,
  setIdleEnd,
  type Tx,
} from "../../internal/store/mod.ts";
import { writeVariables } from "../../internal/variables/write.ts";
import type { Change } from "./plan.ts";
import { type PlanDeps, planFor, type Planned, type PlanRequest } from "./plan_environment.ts";
import { digestOfRows, readRows } from "./planned_state.ts";

export interface ApplyRequest extends PlanRequest {
  /** Of the plan that the caller means; empty: any. */
  readonly fingerprint: string;
}

/**
 * Makes the changes of the plan in one transaction, and returns the plan. Nothing to change is no error, whatever plan is
 * meant: a call that is repeated finds its changes made.
 *
 * @throws as `planEnvironment`; `failed_precondition` when it is another plan by now, and for limits
 */
export async function applyEnvironment(
  deps: PlanDeps,
  caller: RootKeyPrincipal,
  request: ApplyRequest,
): Promise<Planned> {
  const { variables, domains, prune } = request.wanted;
  const planned = await planFor(deps, caller, request, [
    "scale_environment",
    "read_deployment",
    "read_environment",
    ...Object.keys(variables).length === 0 && !prune ? [] : ["write_environment_variables"] as const,
    ...domains.length === 0 ? [] : ["manage_domains"] as const,
  ]);
  const made = planned.plan.changes.filter(({ action }) => action !== "none");
  if (made.length === 0) return planned;
  if (request.fingerprint !== "" && request.fingerprint !== planned.fingerprint) throw changedSince();
  const nowMs = deps.clock.now();
  const prepared = await prepare(deps, planned, made, nowMs);
  const regions = await transact(
    deps.db,
    (tx) => write(tx, deps, caller, { planned, made, prepared, nowMs }),
  );
  deps.notifier.changed([...regions]);
  await Promise.all(prepared.added.map((domain) => lookFor(deps, domain)));
  return planned;
}

interface Prepared {
  readonly variables: readonly { readonly name: string; readonly ciphertext: string }[];
  readonly added: readonly CustomDomainsTable[];
}

/** Before the transaction: the vault has statements of its own. */
async function prepare(
  { vault, domains }: PlanDeps,
  { project, environment, checked, rows }: Planned,
  made: readonly Change[],
  nowMs: number,
): Promise<Prepared> {
  const changed = new Set(made.map(({ setting }) => setting));
  const set = [...checked.variables].filter(([name]) => changed.has(`variables.${name}`));
  const known = new Set(rows.domains.map(({ hostname }) => hostname));
  const missing = [...checked.domains].filter(([hostname]) => !known.has(hostname));
  return {
    variables: await Promise.all(set.map(async ([name, value]) => ({
      name,
      ciphertext: await vault.encrypt(environment.id, name, value),
    }))),
    added: missing.map(([hostname, redirectTo]) =>
      newCustomDomain({
        workspace_id: environment.workspace_id,
        project_id: project.id,
        environment_id: environment.id,
        hostname,
        redirect_to: redirectTo,
      }, { target: requireDomains(domains).platform.target, nowMs })
    ),
  };
}

interface Work {
  readonly planned: Planned;
  readonly made: readonly Change[];
  readonly prepared: Prepared;
  readonly nowMs: number;
}

/** Returns the regions whose feeds changed. @throws `failed_precondition` when the rows are not those of the plan */
async function write(
  tx: Tx,
  deps: PlanDeps,
  caller: RootKeyPrincipal,
  { planned, made, prepared, nowMs }: Work,
): Promise<ReadonlySet<string>> {
  const { environment: { id, slug }, checked, plan, rows } = planned;
  // Limits and names of domains hold for concurrent calls together, so they take turns.
  await lockWorkspace(tx, caller.workspaceId);
  const environment = await lockEnvironment(tx, id);
  if (environment === undefined) throw publicFault("not_found", `Environment "${slug}" was deleted.`);
  const present = await readRows(tx, environment, [...checked.domains.keys()]);
  if (digestOfRows(present) !== digestOfRows(rows)) throw changedSince();
  const isSet = (pattern: RegExp): boolean => made.some(({ setting }) => pattern.test(setting));
  const size = encodeSizeSettings(plan.size);
  if (isSet(/^(memory|cpu|replicas)$/)) await setEnvironmentSize(tx, { id, size, nowMs });
  const settings = encodeAppSettings(plan.settings);
  if (settings !== environment.app_settings) await setEnvironmentAppSettings(tx, { id, settings, nowMs });
  const { idleEndSeconds } = checked;
  if (isSet(/^idleEnd$/) && idleEndSeconds !== undefined) {
    await setIdleEnd(tx, { id, seconds: idleEndSeconds, nowMs });
  }
  if (isSet(/^variables\./)) {
    await writeVariables(tx, {
      workspaceId: caller.workspaceId,
      environmentId: id,
      set: prepared.variables,
      removed: plan.removedVariables,
      nowMs,
    });
  }
  const regions = new Set(await writeDomains(tx, deps, caller, { planned, made, prepared, nowMs }));
  await recordApply(tx, caller, { planned, made, nowMs });
  const change = { environmentId: id, nowMs };
  const { scaling } = plan.settings;
  const scaled = isSet(/^scaling\./) ? await scaleEnvironment(tx, { ...change, settings: scaling }) : [];
  const woken = isSet(/^sleepAfter$/) ? await followSleepTimes(tx, change) : [];
  return regions.union(new Set([...scaled, ...woken]));
}

/** Those that serve are first, so that others can be redirected to them. */
async function writeDomains(
  tx: Tx,
  { domainsMax }: PlanDeps,
  caller: RootKeyPrincipal,
  { planned: { project, checked, rows }, prepared: { added }, nowMs }: Work,
): Promise<readonly string[]> {
  const known = new Map(rows.domains.map((row) => [row.hostname, row]));
  const missing = new Map(added.map((row) => [row.hostname, row]));
  let isRouted = false;
  for (const [hostname, redirectTo] of [...checked.domains].sort(([, a], [, b]) => a.length - b.length)) {
    const [row, wanted] = [known.get(hostname), missing.get(hostname)];
    if (wanted !== undefined) {
      await addDomainWithin(tx, caller, { wanted, project: project.slug, domainsMax });
    }
    if (row === undefined || row.redirect_to === redirectTo) continue;
    await redirectWithin(tx, caller, { known: row, redirectTo, project: project.slug, nowMs });
    isRouted = true;
  }
  return isRouted ? [EDGE_REGION] : [];
}

async function recordApply(
  tx: Tx,
  caller: RootKeyPrincipal,
  { planned: { project, environment, fingerprint }, made, nowMs }: Omit<Work, "prepared">,
): Promise<void> {
  const namesOf = (action: Change["action"]) =>
    made.filter((each) => each.action === action).map(({ setting }) => setting);
  await recordAudit(tx, {
    workspaceId: caller.workspaceId,
    actor: actorOf(caller),
    action: "environment.apply",
    resource: { type: "environment", id: environment.id },
    projectId: project.id,
    environmentId: environment.id,
    facts: { set: namesOf("set"), removed: namesOf("remove"), plan: fingerprint },
    nowMs,
  });
}

/** A wake that is lost is made up for by the next look for what is due. */
async function lookFor({ workflows, log }: PlanDeps, { id }: CustomDomainsTable): Promise<void> {
  try {
    await workflows.verifyDomain(id);
  } catch (error) {
    log.warn("workflow of a custom domain not woken", { error: describeError(error) });
  }
}

function changedSince(): Fault {
  return publicFault(
    "failed_precondition",
    "This is not the plan that was shown: what is wanted, what the environment has or what it serves has changed " +
      'since. Nothing was changed: look at "unkey plan" again.',
  );
}
