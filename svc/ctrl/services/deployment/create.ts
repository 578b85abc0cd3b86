import { transact } from "../../../../pkg/db/mod.ts";
import { describeError, publicFault } from "../../../../pkg/fault/mod.ts";
import { type DeploymentId, newDnsName, newId, parseId } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import { sealBuildSecrets } from "../../internal/builds/mod.ts";
import {
  type AppSnapshot,
  decodeAppSettings,
  encodeAppSnapshot,
  settingsOf,
} from "../../internal/deployments/app/settings.ts";
import { announceCrons } from "../../internal/crons/mod.ts";
import { portOf } from "../../internal/deployments/app/resolve.ts";
import { decodeStrings } from "../../internal/json.ts";
import { decodeSizeSettings, resolveSize, type SizeSettings } from "../../internal/deployments/size.ts";
import type { DeploymentStatus } from "../../internal/deployments/status.ts";
import {
  type AuditActor,
  type AuditFacts,
  type BuildInputs,
  createBuildInputs,
  createDeployment as recordDeployment,
  type DeploymentsTable,
  type EnvironmentsTable,
  findDeploymentByIdempotencyKey,
  type GradualOrdersTable,
  insertGradualOrder,
  listEnvironmentVariables,
  markSubmitted,
  type ProjectsTable,
  recordAudit,
} from "../../internal/store/mod.ts";
import { reserve } from "../../internal/limits/mod.ts";
import { sizeSettings } from "../../internal/validate/size.ts";
import { type CheckedSource, requireContext } from "./build_context.ts";
import {
  checkCreate,
  type CheckedCreate,
  checkIdempotencyKey,
  type CreateRequest,
  refuseHttpCheck,
} from "./create_request.ts";
import type { DeploymentDeps } from "./deps.ts";
import { fingerprint } from "./fingerprint.ts";
import { type CheckedGradual, checkGradual } from "./gradual_settings.ts";
import { beginTrace, firstSpans, recordTrace } from "./begin_trace.ts";
import { checkedAgain, findRepeated, refuseRemoved } from "./redeploy.ts";

export interface Created {
  readonly id: string;
  readonly status: DeploymentStatus;
}

const K8S_NAME_LENGTH = 12;
const SUBMIT_MS_MAX = 5_000;

/**
 * Records a deployment and starts its workflow. Once the row is committed the deployment exists: when the workflow cannot
 * be reached now, the sweeper hands it over later. Repeating a create with its idempotency key answers with the first one.
 *
 * @throws `not_found`, `invalid_argument`, `failed_precondition` and `permission_denied`, each with what to do
 */
export async function createDeployment(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: CreateRequest,
): Promise<Created> {
  const repeated = await findRepeated(deps, caller, request);
  const project = await requireProject(deps, caller, {
    id: repeated?.row.project_id ?? request.projectId,
    action: "create_deployment",
    field: request.fields?.project ?? "project_id",
  });
  const slug = request.environmentSlug || (repeated?.environmentSlug ?? "");
  const environment = await requireEnvironment(deps, project, slug);
  const checked = repeated === undefined
    ? checkCreate(request, deps.apps)
    : checkedAgain(repeated, checkIdempotencyKey(request));
  const former = await findFormer(deps, caller, checked.idempotencyKey);
  // The context may have expired since; a deployment that was created from it stays.
  if (former === undefined && checked.source.kind === "context") {
    await requireContext(deps, project.id, checked.source.objectKey);
  }
  const deployment = former ??
    await insert(deps, caller, { project, environment, checked, request });
  refuseOther(deployment, project, request);
  if (deployment.submitted_at === null) {
    await submit(deps, parseId("deployment", "deployment_id", deployment.id));
  }
  return { id: deployment.id, status: deployment.status };
}

/** A key that is sent again with another request is a mistake: its sender would take the old answer for the new request. */
function refuseOther(found: DeploymentsTable, project: ProjectsTable, request: CreateRequest): void {
  const known = found.request_fingerprint;
  if (found.project_id === project.id && (known === null || known === fingerprint(request))) return;
  throw publicFault(
    "invalid_argument",
    "The idempotency key was used before, with another request: send the same one, or choose a new key.",
  );
}

async function findFormer(
  { db }: DeploymentDeps,
  caller: RootKeyPrincipal,
  key: string | undefined,
): Promise<DeploymentsTable | undefined> {
  if (key === undefined) return undefined;
  return await findDeploymentByIdempotencyKey(db.kysely, caller.workspaceId, key);
}

interface NewDeployment {
  readonly project: ProjectsTable;
  readonly environment: EnvironmentsTable;
  readonly checked: CheckedCreate;
  readonly request: CreateRequest;
}

async function insert(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  { project, environment, checked, request }: NewDeployment,
): Promise<DeploymentsTable> {
  const { db, clock, sizes } = deps;
  const environmentId = environment.id;
  const size = resolveSize(
    sizes,
    sizeSettings("size", request.size, sizes),
    formerSize(checked, environment),
    decodeSizeSettings(environment.size),
  );
  const snapshot = snapshotOf({ project, environment, checked });
  const app = settingsOf(snapshot);
  refuseHttpCheck(checked.protocol, app);
  const gradual = request.gradual === undefined ? undefined : checkGradual(request.gradual, "gradual.");
  const now = clock.now();
  const id = newId("deployment", now);
  const k8sName = newDnsName(K8S_NAME_LENGTH);
  const inputs = await buildInputs(deps, { environmentId, deploymentId: id }, checked.source);
  const trace = beginTrace(request.trace, now);
  const { deployment, superseded } = await transact(db, async (tx) => {
    const { workspaceId } = caller;
    await reserve(tx, ["deployments_active", "deployments_per_hour"], { workspaceId, nowMs: now });
    const variables = await listEnvironmentVariables(tx, environmentId);
    const recorded = await recordDeployment(tx, {
      id,
      workspace_id: caller.workspaceId,
      project_id: project.id,
      environment_id: environmentId,
      k8s_name: k8sName,
      ...sourceColumns(checked.source),
      git_commit_sha: checked.git.commitSha,
      git_branch: checked.branch,
      git_commit_message: checked.git.commitMessage,
      git_commit_author_handle: checked.git.authorHandle,
      git_commit_author_avatar_url: checked.git.authorAvatarUrl,
      git_commit_timestamp: checked.git.timestampMs,
      command: JSON.stringify(app.command ?? []),
      // The placement knows the image, and what it exposes.
      port: portOf(app, undefined),
      health_check_path: app.healthCheck?.kind === "http" ? app.healthCheck.path ?? "/" : "",
      start_seconds: app.startSeconds ?? 0,
      app_protocol: checked.protocol === "" ? null : checked.protocol,
      app_settings: encodeAppSnapshot(snapshot),
      cpu_millicores: size.cpuMillicores,
      memory_mib: size.memoryMib,
      replicas: size.replicas,
      encrypted_environment_variables: JSON.stringify(
        Object.fromEntries(variables.map(({ name, ciphertext }) => [name, ciphertext])),
      ),
      idempotency_key: checked.idempotencyKey ?? null,
      request_fingerprint: checked.idempotencyKey === undefined ? null : fingerprint(request),
      created_at: now,
    });
    if (recorded.created) {
      if (checked.source.kind === "repeat") await refuseRemoved(tx, checked.source.deploymentId);
      await recordTrace(tx, id, request.trace, trace);
      await announceCrons(tx, environment, encodeAppSnapshot(snapshot));
      if (gradual !== undefined) {
        await insertGradualOrder(tx, orderRow({ workspaceId, id, now }, gradual, actorOf(caller)));
      }
      if (inputs !== undefined) await createBuildInputs(tx, { deploymentId: id, inputs, nowMs: now });
      await recordAudit(tx, {
        workspaceId: caller.workspaceId,
        actor: actorOf(caller),
        action: checked.source.kind === "repeat" ? "deployment.redeploy" : "deployment.create",
        resource: { type: "deployment", id },
        projectId: project.id,
        environmentId,
        facts: auditFacts(checked),
        nowMs: now,
      });
    }
    return recorded;
  });
  if (deployment.id === id) deps.spans.push(id, firstSpans(trace, clock.now()));
  await wakeSuperseded(deps, superseded);
  return deployment;
}

function orderRow(
  { workspaceId, id, now }: { readonly workspaceId: string; readonly id: string; readonly now: number },
  { steps, everyMs, sticky }: CheckedGradual,
  actor: AuditActor,
): GradualOrdersTable {
  return {
    deployment_id: id,
    workspace_id: workspaceId,
    steps: JSON.stringify(steps),
    every_ms: everyMs ?? null,
    is_sticky: sticky ? 1 : 0,
    actor: JSON.stringify(actor),
    created_at: now,
  };
}

/** The settings of the request, and those that the environment and the project have now. */
function snapshotOf(
  { project, environment, checked }: Pick<NewDeployment, "project" | "environment" | "checked">,
): AppSnapshot {
  const command = decodeStrings(project.command);
  // The environment's number of instances, and its sleep, follow its present settings, not those of the create.
  const { scaling: _scaling, sleepSeconds: _sleep, ...settings } = decodeAppSettings(
    environment.app_settings,
  );
  return {
    own: checked.app,
    environment: {
      ...(command.length === 0 ? {} : { command }),
      ...settings,
    },
  };
}

/** A repeated deployment keeps its size in its environment, unless the environment's was set since. */
function formerSize({ former }: CheckedCreate, environment: EnvironmentsTable): SizeSettings {
  if (former === undefined || former.environmentId !== environment.id) return {};
  if (environment.size_set_at >= former.createdAtMs) return {};
  const { replicas, ...resources } = former.size;
  return { ...resources, ...(replicas === 0 ? {} : { replicas }) };
}

/** Before the transaction: the vault has statements of its own. */
async function buildInputs(
  { vault }: DeploymentDeps,
  owner: Parameters<typeof sealBuildSecrets>[1],
  source: CheckedSource,
): Promise<BuildInputs | undefined> {
  if (source.kind !== "context") return undefined;
  const { secrets, ...settings } = source.build;
  const sealedSecrets = await sealBuildSecrets(vault, owner, secrets);
  return { dockerfile: source.dockerfile, settings, sealedSecrets };
}

/** Superseded rows are final already; a wake lets their workflows see it at once. */
async function wakeSuperseded(
  { workflows, events, log }: DeploymentDeps,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  events.changed();
  const signal = AbortSignal.timeout(SUBMIT_MS_MAX);
  await Promise.all(ids.map(async (id) => {
    try {
      await workflows.cancelDeploy(parseId("deployment", "deployment_id", id), signal);
    } catch (error) {
      log.warn("superseded deployment not woken", { deployment_id: id, error: describeError(error) });
    }
  }));
}

function auditFacts({ source, branch, git }: CheckedCreate): AuditFacts {
  return {
    ...(source.kind === "repeat" ? { of: source.deploymentId } : {}),
    ...(source.kind === "context" ? { dockerfile: source.dockerfilePath } : { image: source.image }),
    branch,
    ...(git.commitSha === "" ? {} : { commit: git.commitSha }),
  };
}

function sourceColumns(source: CheckedSource) {
  const none = { image: null, build_context_path: null, dockerfile_path: null };
  switch (source.kind) {
    case "image":
      return { ...none, source: source.kind, image: source.image };
    case "context": {
      const { kind, objectKey, dockerfilePath } = source;
      return { ...none, source: kind, build_context_path: objectKey, dockerfile_path: dockerfilePath };
    }
    case "repeat":
      return {
        source: source.from,
        image: source.image,
        build_context_path: source.objectKey,
        dockerfile_path: source.dockerfilePath,
        redeploy_of: source.deploymentId,
      };
  }
}

async function submit({ db, clock, log, workflows }: DeploymentDeps, id: DeploymentId): Promise<void> {
  try {
    await workflows.submitDeploy(id, AbortSignal.timeout(SUBMIT_MS_MAX));
    await markSubmitted(db.kysely, id, clock.now());
  } catch (error) {
    // The row is the truth and the sweeper tries again, so the caller's deployment stands.
    log.warn("submit failed", { deployment_id: id, error: describeError(error) });
  }
}
