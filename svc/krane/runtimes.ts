import type { ConnectRouter } from "@connectrpc/connect";
import type { Clock } from "../../pkg/clock/mod.ts";
import { fieldName } from "../../pkg/config/mod.ts";
import { Fault } from "../../pkg/fault/mod.ts";
import type { Logger } from "../../pkg/logger/mod.ts";
import type { Metrics } from "../../pkg/metrics/mod.ts";
import { credentialsFor, registryOf } from "../../pkg/registry/mod.ts";
import { CA_FILE_FIELD, readAuthorities } from "../../pkg/tls/mod.ts";
import type { KraneConfig } from "./config.ts";
import type { Leadership } from "./leadership.ts";
import { KRANE_METRICS, meterRuntimeCalls } from "./metrics.ts";
import type { DesiredDeployment } from "./internal/deployment/desired.ts";
import type { StartTimes } from "./internal/deployment/start_times.ts";
import type { OutputSink, Runtime } from "./internal/runtime/port.ts";
import type { SentinelRuntime } from "./internal/sentinel/port.ts";

export interface RuntimeParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly sink: OutputSink;
  readonly times: StartTimes;
  readonly signal: AbortSignal;
  readonly metrics: Metrics;
}

/** A runtime that answers. Close it after everything that uses it. */
export interface OpenedRuntime {
  readonly runtime: Runtime;
  /** Runs sentinels; absent where there cannot be any. */
  readonly sentinels?: SentinelRuntime;
  /** Absent where there is one agent in any case. */
  readonly leadership?: Leadership;
  /** The version of the container runtime. */
  readonly version: string;
  /** Registers its RPC services for pods. */
  readonly mount?: (router: ConnectRouter, find: (name: string) => DesiredDeployment | undefined) => void;
  close(): void;
}

/**
 * Opens the runtime of the settings. The code of the other one is not loaded.
 *
 * @throws `unavailable` when it does not answer
 */
export async function openRuntime(config: KraneConfig, parts: RuntimeParts): Promise<OpenedRuntime> {
  return await (config.runtime === "docker" ? openDocker(config, parts) : openKubernetes(config, parts));
}

async function openDocker(
  config: KraneConfig,
  { signal, metrics, ...parts }: RuntimeParts,
): Promise<OpenedRuntime> {
  const { engineCapacity, engineVersion, openEngine } = await import("../../pkg/docker/mod.ts");
  const { DockerRuntime } = await import("./internal/runtime/docker/runtime.ts");
  const { OwnNetwork } = await import("./internal/runtime/docker/own_network.ts");
  const { ofOneWorkspace } = await import("./internal/runtime/docker/tenants.ts");
  const engine = openEngine(config.dockerHost, meterRuntimeCalls(metrics));
  try {
    const { version } = await engineVersion(engine, signal);
    const { cpus } = await engineCapacity(engine, signal);
    const registry = registryOf(config);
    const { hostPorts, drainMs, stopGraceSeconds, cpuMillicoresDefault, memoryMibDefault, pidsDefault } =
      config;
    const spec = {
      region: config.region,
      controlPlaneId: config.controlPlaneId ?? config.controlPlaneUrl,
      publishAddress: config.publishAddress,
      network: config.dockerNetwork,
      cpuMillicoresDefault,
      memoryMibDefault,
      pidsDefault,
      capabilities: config.capabilities,
      cpuMillicoresMax: cpus * 1_000,
    };
    const runtime = new DockerRuntime({
      ...parts,
      engine,
      credentialsFor: (image) => credentialsFor(registry, image),
      spec,
      ownNetwork: config.instanceAddress === "container"
        ? await OwnNetwork.open({ ...parts, engine, spec, directory: config.stateDir })
        : undefined,
      hostPorts,
      drainMs,
      stopGraceSeconds,
      diskMibDefault: config.ephemeralStorageMibDefault,
    });
    return {
      runtime: config.dockerWorkspaces === "many" ? runtime : ofOneWorkspace(runtime),
      version,
      close: () => engine.close(),
    };
  } catch (error) {
    engine.close();
    throw error;
  }
}

async function openKubernetes(
  config: KraneConfig,
  { signal, metrics, ...parts }: RuntimeParts,
): Promise<OpenedRuntime> {
  const { clusterVersion, fencedCluster, LeaderLease, loadAccess, openCluster } = await import(
    "../../pkg/kube/mod.ts"
  );
  const { Leadership, leaseIdentity } = await import("./leadership.ts");
  const { leaseName, ownLabels } = await import("./internal/runtime/kubernetes/labels.ts");
  const { findDnsServers } = await import("./internal/runtime/kubernetes/dns_servers.ts");
  const { KubernetesRuntime } = await import("./internal/runtime/kubernetes/runtime.ts");
  const { Namespaces } = await import("./internal/runtime/kubernetes/namespaces.ts");
  const { REGISTRY_SECRET } = await import("./internal/runtime/kubernetes/replica_set.ts");
  const { KubernetesSentinels } = await import("./internal/runtime/kubernetes/sentinels.ts");
  const { secretsHandler } = await import("./internal/secrets/handler.ts");
  const { SecretsService } = await import("../../proto/gen/krane/v1/secrets_pb.ts");
  const access = await loadAccess({ kubeconfig: config.kubeconfig, context: config.kubeContext });
  const whole = openCluster(access, meterRuntimeCalls(metrics));
  try {
    const version = await clusterVersion(whole, signal);
    const controlPlaneId = config.controlPlaneId ?? config.controlPlaneUrl;
    const { clock, log } = parts;
    const lease = new LeaderLease({
      cluster: whole,
      ref: {
        namespace: config.leaseNamespace ?? access.namespace,
        name: leaseName({ region: config.region, controlPlaneId }),
      },
      labels: ownLabels({ region: config.region, controlPlaneId }),
      identity: await leaseIdentity(config.stateDir, clock),
      clock,
      log,
    });
    const leadership = new Leadership(lease, log);
    const standby = metrics.gauge(KRANE_METRICS.standby);
    metrics.onScrape("leadership", () => standby.set({}, leadership.isStandby ? 1 : 0));
    const cluster = fencedCluster(whole, leadership);
    const dnsServers = await findDnsServers({
      cluster,
      given: config.dnsServers,
      // Outside of the cluster the agent's resolver is another one than its pods'.
      resolvConf: config.kubeconfig === undefined ? await ownResolvConf() : undefined,
      log,
      signal,
    });
    const settings = { ...config, controlPlaneId, registry: registryOf(config), dnsServers };
    const runtime = new KubernetesRuntime({ ...parts, cluster, settings });
    const { caFile } = config;
    const sentinels = new KubernetesSentinels({
      cluster,
      clock,
      log,
      readAuthority: caFile === undefined
        ? undefined
        : () => readAuthorities({ path: caFile, setting: fieldName(CA_FILE_FIELD.caFile) }),
      namespaces: new Namespaces(cluster, settings),
      settings: {
        ...settings,
        hasAuthority: caFile !== undefined,
        sentinelControlPlaneUrl: config.sentinelControlPlaneUrl ?? config.controlPlaneUrl,
        pullSecrets: [
          ...(settings.registry?.credentials === undefined ? [] : [REGISTRY_SECRET]),
          ...config.imagePullSecrets,
        ],
      },
    });
    return {
      runtime,
      sentinels,
      leadership,
      version,
      mount: (router, find) => {
        const identify: typeof runtime.identify = async (token, abort) => {
          // It knows no variables: the next call may reach the agent that acts.
          if (leadership.isStandby) throw new Fault("unavailable", "this agent is on standby");
          return await runtime.identify(token, abort);
        };
        router.service(SecretsService, secretsHandler({ identify, find }));
      },
      close: () => whole.close(),
    };
  } catch (error) {
    whole.close();
    throw error;
  }
}

/** Empty where there is no such file: the operator's setting is what is left then. */
async function ownResolvConf(): Promise<string> {
  return await Deno.readTextFile("/etc/resolv.conf").catch(() => "");
}
