/** A real api and a real agent on the real cluster; the test does what the worker would. */
import assert from "node:assert/strict";
import { buildImage } from "../../dev/image.ts";
import { run } from "../../dev/bed/part.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { loadConfig, Secret } from "../../pkg/config/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import {
  AnyObject,
  type Cluster as Kube,
  deleteObject,
  DEPLOYMENTS,
  listObjects,
  loadAccess,
  NAMESPACES,
  openCluster,
} from "../../pkg/kube/mod.ts";
import { createLogger, silentLogger } from "../../pkg/logger/mod.ts";
import { makeCertificate } from "../../pkg/testkit/certificate.ts";
import { createVault, parseMasterKeys } from "../../pkg/vault/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { startApi, type Tenant, type TestApi } from "../../svc/ctrl/services/testing.ts";
import {
  assignRoutes,
  dataKeyStore,
  findDeployment,
  findSentinelOf,
  placeDeployment,
  type SentinelsTable,
  setImage,
} from "../../svc/ctrl/internal/store/mod.ts";
import { sweepSentinelsOnce } from "../../svc/ctrl/worker/tasks/sentinel_sweep.ts";
import { KRANE_FIELDS } from "../../svc/krane/config.ts";
import { LABEL, ownLabels } from "../../svc/krane/internal/runtime/kubernetes/labels.ts";
import { runKrane } from "../../svc/krane/run.ts";
import type { Cluster } from "../testbed/cluster.ts";
import { eventually } from "../testbed/wait.ts";

export const REGION = "test.region";
const MASTER_KEY = "bWFzdGVyLW1hc3Rlci1tYXN0ZXItbWFzdGVyLW1hc3Q=";
const APP_PORT = 3000;
const SENTINEL_READY_MS = 300_000;
const clock = systemClock();

/** The platform's image in the cluster's registry, under these tags. */
export async function pushPlatform(cluster: Cluster, tags: readonly string[]): Promise<string[]> {
  const local = `unkey-test/platform:${crypto.randomUUID().slice(0, 8)}`;
  await buildImage(local);
  const names = tags.map((tag) => `${cluster.registry}/test/unkey:${tag}`);
  try {
    for (const name of names) {
      await run("docker", ["tag", local, name]);
      await run("docker", ["push", "--quiet", name]);
      await run("docker", ["rmi", name]);
    }
  } finally {
    await run("docker", ["rmi", local]);
  }
  return names;
}

/** Everything that one test needs, removed again whatever happens. */
export class SentinelBed implements AsyncDisposable {
  readonly namespace = `test-${crypto.randomUUID().slice(0, 8)}`;
  readonly tenant: Tenant;
  readonly api: TestApi;
  readonly kube: Kube;
  readonly logs: string[] = [];
  readonly #identity = { region: REGION, controlPlaneId: `test-${crypto.randomUUID()}` };
  readonly #stateDir: string;
  readonly #stop = new AbortController();
  #agent: Promise<void> = Promise.resolve();

  private constructor(api: TestApi, tenant: Tenant, kube: Kube, stateDir: string) {
    this.#stateDir = stateDir;
    this.api = api;
    this.tenant = tenant;
    this.kube = kube;
  }

  /** The pods of `edgeNamespace` may reach the sentinels. */
  static async open(cluster: Cluster, edgeNamespace = ""): Promise<SentinelBed> {
    const stateDir = await Deno.makeTempDir({ prefix: "krane-" });
    // Of an authority that nothing trusts by itself: the agent gives it to the sentinels.
    const files = await makeCertificate(`${stateDir}/tls`, ["IP:127.0.0.1", `IP:${cluster.hostAddress}`]);
    const api = await startApi({
      host: "0.0.0.0",
      tlsCertFile: files.certificate,
      tlsKeyFile: files.privateKey,
      caFile: files.authority,
    });
    const kube = openCluster(await loadAccess({ kubeconfig: cluster.kubeconfig }));
    const bed = new SentinelBed(api, await api.tenant("acme"), kube, stateDir);
    const values: Readonly<Record<string, string>> = {
      UNKEY_CONTROL_PLANE_URL: api.url,
      UNKEY_CONTROL_PLANE_ID: bed.#identity.controlPlaneId,
      UNKEY_CA_FILE: files.authority,
      UNKEY_KRANE_SENTINEL_CONTROL_PLANE_URL: `https://${cluster.hostAddress}:${api.port}`,
      UNKEY_KRANE_SENTINEL_NAMESPACE: bed.namespace,
      UNKEY_KRANE_EDGE_NAMESPACES: edgeNamespace,
      UNKEY_CONTROL_PLANE_BEARER: await api.regionToken(REGION),
      UNKEY_REGION: REGION,
      UNKEY_RUNTIME: "kubernetes",
      KUBECONFIG: cluster.kubeconfig,
      UNKEY_KRANE_STATE_DIR: bed.#stateDir,
      UNKEY_HTTP_HOST: "127.0.0.1",
      UNKEY_HTTP_PORT: "0",
      UNKEY_KRANE_DRAIN_MS: "200",
      UNKEY_KRANE_STOP_GRACE_SECONDS: "2",
    };
    const config = loadConfig(KRANE_FIELDS, {
      flags: new Map(),
      env: (name) => values[name],
      readFile: () => "",
    });
    const log = createLogger({ service: "krane", level: "info", write: (line) => bed.logs.push(line) });
    bed.#agent = runKrane(config, { log, clock, signal: bed.#stop.signal });
    bed.#agent.catch(() => undefined);
    return bed;
  }

  /** A deployment of production that answers with `text` at `hostname`. */
  async deploy(hostname: string, text: string): Promise<string> {
    const { deploymentId: id } = await this.api.client(DeploymentService, this.tenant.rootKey)
      .createDeployment({
        projectId: this.tenant.projectId,
        environmentSlug: "production",
        source: { case: "dockerImage", value: "busybox:stable" },
        port: APP_PORT,
        command: [
          "sh",
          "-c",
          `mkdir -p /tmp/www; echo "${text}" >/tmp/www/index.html; exec httpd -f -p ${APP_PORT} -h /tmp/www`,
        ],
      });
    const nowMs = clock.now();
    await setImage(this.api.db.kysely, { id, image: "busybox:stable", nowMs });
    const row = await findDeployment(this.api.db.kysely, id);
    assert.ok(row !== undefined);
    const { projectId, workspaceId } = this.tenant;
    await transact(this.api.db, async (tx) => {
      await placeDeployment(tx, {
        deploymentId: id,
        workspaceId,
        regions: [{ region: REGION, replicas: 1 }],
        nowMs,
      });
      await assignRoutes(tx, {
        routes: [{ hostname, sticky: "environment" }],
        deploymentId: id,
        environmentId: row.environment_id,
        projectId,
        workspaceId,
        nowMs,
      });
    });
    return id;
  }

  /** Runs the worker's sweep with these settings. */
  async sweep(image: string, replicas: number): Promise<void> {
    const shape = { image, replicas, cpuMillicores: 500, memoryMib: 256 };
    const vault = createVault({
      masterKeys: parseMasterKeys(new Secret(MASTER_KEY)),
      store: dataKeyStore(this.api.db.kysely),
      clock,
    });
    const sentinels = { vault, shapes: { production: shape, other: shape } };
    const changes = { changed: () => undefined };
    const deps = { db: this.api.db, clock, log: silentLogger(), changes, sentinels };
    assert.equal(await sweepSentinelsOnce(deps, this.#stop.signal), 1);
  }

  async sentinel(deploymentId: string): Promise<SentinelsTable> {
    const row = await findDeployment(this.api.db.kysely, deploymentId);
    const sentinel = await findSentinelOf(this.api.db.kysely, row?.environment_id ?? "", REGION);
    assert.ok(sentinel !== undefined);
    return sentinel;
  }

  /** Waits until the control plane has heard that so many take requests. */
  async available(deploymentId: string, replicas: number): Promise<SentinelsTable> {
    await eventually(`${replicas} available`, async () => {
      const { available_replicas: available, health } = await this.sentinel(deploymentId);
      return available === replicas && health === (replicas > 0 ? "healthy" : "unhealthy");
    }, { deadlineMs: SENTINEL_READY_MS });
    return await this.sentinel(deploymentId);
  }

  /** Number of Deployments of sentinels. */
  async deployments(): Promise<number> {
    const signal = AbortSignal.timeout(180_000);
    const selection = { namespace: this.namespace, labels: { [LABEL.component]: "sentinel" } };
    return (await listObjects(this.kube, DEPLOYMENTS, selection, { schema: AnyObject, signal })).items.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#stop.abort();
      await this.#agent;
      const signal = AbortSignal.timeout(180_000);
      const labels = ownLabels(this.#identity);
      const { items } = await listObjects(this.kube, NAMESPACES, { labels }, { schema: AnyObject, signal });
      for (const { metadata } of items) {
        await deleteObject(this.kube, NAMESPACES, metadata, { propagation: "Background", signal });
      }
    } finally {
      this.kube.close();
      await this.api[Symbol.asyncDispose]();
      await Deno.remove(this.#stateDir, { recursive: true });
    }
  }
}
