import { create, type MessageInitShape, toJsonString } from "@bufbuild/protobuf";
import { Fault } from "../../../../pkg/fault/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import { type DeploymentStateSchema, HealthCheck_Kind } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { SecretsConfigSchema } from "../../../../proto/gen/ctrl/v1/secrets_pb.ts";
import {
  defineFeed,
  type Feed,
  feedKind,
  type FeedKindDefinition,
  inPages,
  type SnapshotRow,
} from "../../internal/changes/mod.ts";
import { healthCheckOf, initOf } from "../../internal/deployments/app/resolve.ts";
import { decodeAppSnapshot, settingsOf } from "../../internal/deployments/app/settings.ts";
import { decodeImageConfig } from "../../internal/deployments/app/image_config.ts";
import { decodeStringMap, decodeStrings } from "../../internal/json.ts";
import {
  type DesiredDeployment,
  findStoppedFrom,
  isFinalTask,
  listDesiredDeployments,
  pageDesiredDeployments,
  pageRecordedDeployments,
  type Queryable,
  RELEASE_TASK,
} from "../../internal/store/mod.ts";

/** The message about one deployment. */
export type DeploymentMessage = NonNullable<MessageInitShape<typeof DeploymentStateSchema>["state"]>;

/** The feed of a region's deployments, and the same message for a single one. */
export interface DeploymentFeed {
  readonly feed: Feed<DeploymentMessage>;
  /**
   * For clients of the original protocol. They ignore the end of a snapshot and cannot find out what it lacks, so their
   * snapshot also has the stopped deployments.
   */
  readonly original: Feed<DeploymentMessage>;
  encode(row: DesiredDeployment): Promise<DeploymentMessage>;
}

const PAGE = 500;

/** The feed over `vault`, which decrypts the variables. Plaintext exists in messages to the deployment's own region only. */
export function createDeploymentFeed(vault: Vault): DeploymentFeed {
  const encode = (row: DesiredDeployment): Promise<DeploymentMessage> => encodeDesired(vault, row);
  const kind = (snapshot: FeedKindDefinition<DesiredDeployment, DeploymentMessage>["snapshot"]) =>
    feedKind<DesiredDeployment, DeploymentMessage>({
      resourceType: "deployment",
      async load(db, region, ids) {
        const rows = await listDesiredDeployments(db, region, ids);
        return new Map(rows.map((row) => [row.id, row]));
      },
      snapshot,
      convert: encode,
      // A placement is stopped before its deployment can be removed, so the agent has deleted it long ago.
      gone: (resourceId) => ({
        case: "problem",
        value: { resourceId, message: "The deployment was removed." },
      }),
    });
  return {
    feed: defineFeed("deployments", [kind(desired)]),
    original: defineFeed("deployments, original protocol", [kind(recorded)]),
    encode,
  };
}

async function* desired(db: Queryable, region: string): AsyncGenerator<SnapshotRow<DesiredDeployment>> {
  yield* snapshotOf((after) => pageDesiredDeployments(db, region, after, PAGE));
}

async function* recorded(db: Queryable, region: string): AsyncGenerator<SnapshotRow<DesiredDeployment>> {
  const stoppedFrom = await findStoppedFrom(db, region);
  yield* snapshotOf((afterVersion) =>
    pageRecordedDeployments(db, region, { afterVersion, stoppedFrom, limit: PAGE })
  );
}

async function* snapshotOf(
  page: (after: number) => Promise<readonly DesiredDeployment[]>,
): AsyncGenerator<SnapshotRow<DesiredDeployment>> {
  for await (const rows of inPages(page, { first: 0, limit: PAGE, cursorOf: ({ version }) => version })) {
    for (const row of rows) yield { resourceId: row.id, version: row.version, row };
  }
}

async function encodeDesired(vault: Vault, row: DesiredDeployment): Promise<DeploymentMessage> {
  const names = { k8sNamespace: row.k8s_namespace ?? "", k8sName: row.k8s_name };
  if (row.desired_status === "stopped") return { case: "delete", value: names };
  if (row.image === null) {
    throw new Fault("internal", `deployment ${row.id} is placed without an image`, {
      publicMessage: "The deployment has no image to run.",
    });
  }
  return {
    case: "apply",
    value: {
      ...names,
      workspaceId: row.workspace_id,
      projectId: row.project_id,
      environmentId: row.environment_id,
      deploymentId: row.id,
      image: row.image,
      ...tasksOf(row),
      reportsUsage: row.reportsUsage,
      cpuMillicores: BigInt(row.cpu_millicores),
      memoryMib: BigInt(row.memory_mib),
      command: decodeStrings(row.command),
      port: row.port,
      healthCheckPath: row.health_check_path,
      healthCheckHost: row.health_check_host ?? "",
      ...runSettings(row),
      ...await variablesOf(vault, row),
      // The agent's default holds: nothing in the control plane sets this limit.
      pidsMax: 0,
      gitCommitSha: row.git_commit_sha,
      gitBranch: row.git_branch,
      gitCommitAuthorHandle: row.git_commit_author_handle,
      ...(row.build_id === null ? {} : { buildId: row.build_id }),
    },
  };
}

/**
 * No instance starts anywhere before the release command has succeeded, nor while the deployment sleeps. A task that has ended is
 * not wanted any more.
 */
function tasksOf({ desired_replicas, region, tasks, isAsleep }: DesiredDeployment) {
  const isHeld = tasks.some((each) => each.name === RELEASE_TASK && each.settled_at === null);
  const own = tasks.filter((each) => each.region === region && !isFinalTask(each.state));
  return {
    replicas: isHeld || isAsleep ? 0 : desired_replicas,
    tasks: own.map((each) => ({
      name: each.name,
      command: decodeStrings(each.command),
      timeoutSeconds: each.timeout_seconds,
      isStarted: each.started_at !== null,
    })),
  };
}

const CHECK_KINDS = {
  port: HealthCheck_Kind.PORT,
  http: HealthCheck_Kind.HTTP,
  command: HealthCheck_Kind.COMMAND,
  none: HealthCheck_Kind.NONE,
} as const;

/** Nothing for a deployment of an older version: it is run as it was. A disk of 0 is the agent's default. */
function runSettings(row: DesiredDeployment) {
  const snapshot = decodeAppSnapshot(row.app_settings);
  const settings = snapshot === undefined ? {} : settingsOf(snapshot);
  const disk = { ephemeralStorageMib: BigInt(settings.ephemeralStorageMib ?? 0) };
  if (snapshot === undefined) return disk;
  const image = decodeImageConfig(row.image_config);
  const { kind, ...check } = healthCheckOf(settings, image, row.health_check_host ?? "");
  return {
    ...disk,
    healthCheck: {
      ...check,
      kind: CHECK_KINDS[kind],
      headers: { ...check.headers },
      command: [...check.command],
    },
    stopSignal: settings.stopSignal ?? "",
    stopSeconds: settings.stopSeconds ?? 0,
    init: initOf(settings, image),
    initAsked: settings.init === true,
  };
}

/** Encrypted they are as they were stored: a pod that got them from an earlier message has the same bytes. */
async function variablesOf(vault: Vault, row: DesiredDeployment) {
  const secrets = decodeStringMap(row.encrypted_environment_variables);
  const environmentVariables: Record<string, string> = {};
  for (const [name, ciphertext] of Object.entries(secrets)) {
    environmentVariables[name] = await vault.decrypt(row.environment_id, name, ciphertext);
  }
  if (Object.keys(secrets).length === 0) return { environmentVariables };
  const blob = toJsonString(SecretsConfigSchema, create(SecretsConfigSchema, { secrets }));
  return { environmentVariables, encryptedEnvironmentVariables: new TextEncoder().encode(blob) };
}
