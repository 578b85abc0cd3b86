import type { V1Deployment } from "@kubernetes/client-node";
import { z } from "zod";
import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { Fault } from "../../../../../pkg/fault/mod.ts";
import {
  AnyObject,
  applyObject,
  type Cluster,
  deleteObject,
  DEPLOYMENTS,
  DISRUPTION_BUDGETS,
  type FieldsOf,
  Informer,
  type KubeObject,
  listObjects,
  type Manifest,
  Metadata,
  NETWORK_POLICIES,
  type Resource,
  SECRETS,
  SERVICES,
} from "../../../../../pkg/kube/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import type { Limit, Observed } from "../../control/controller.ts";
import type { DesiredSentinel } from "../../sentinel/desired.ts";
import type { ManagedSentinel, SentinelRuntime } from "../../sentinel/port.ts";
import type { SentinelStatus } from "../../sentinel/report.ts";
import { LABEL } from "./labels.ts";
import { FIELD_MANAGER, type Namespaces } from "./namespaces.ts";
import {
  sentinelAddress,
  sentinelDeployment,
  sentinelDisruptionBudget,
  sentinelNetworkPolicy,
  sentinelSecret,
  sentinelSelection,
  sentinelService,
  type SentinelSettings,
} from "./sentinel_manifest.ts";
import { untilListed } from "./until_listed.ts";

/** The fields of a sentinel's Deployment that are read. */
const SentinelDeployment = z.object(
  {
    metadata: Metadata,
    status: z.object({ availableReplicas: z.number().default(0) }).default({ availableReplicas: 0 }),
  } satisfies FieldsOf<V1Deployment>,
);
type SentinelDeployment = z.output<typeof SentinelDeployment>;

export interface KubernetesSentinelsOptions {
  readonly cluster: Cluster;
  readonly settings: SentinelSettings;
  /** Reads the authority that pods are to trust, in PEM; it may be renewed. Absent: there is none. */
  readonly readAuthority?: (() => Promise<string>) | undefined;
  readonly namespaces: Pick<Namespaces, "ensure" | "forget">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** As it was written last. */
interface Written {
  readonly desired: DesiredSentinel;
  readonly uid: string;
  readonly generation: number | undefined;
  readonly atMs: number;
}

/** Another client may have changed the other objects than the Deployment: they are written again so often. */
const REWRITE_MS = 300_000;
/** Longer than the pods' own time to end. */
const REMOVAL_MS_MAX = 60_000;
const REMOVAL_POLL_MS = 200;
const LEAVING_AGAIN_MS = 2_000;

/** Sentinels as Deployments of one Kubernetes cluster, each with a Service, a Secret, a policy and a budget. */
export class KubernetesSentinels implements SentinelRuntime {
  readonly noun = "sentinel";
  readonly #options: KubernetesSentinelsOptions;
  readonly #deployments: Informer<SentinelDeployment>;
  readonly #written = new Map<string, Written>();
  #onChange: (name: string) => void = () => undefined;

  constructor(options: KubernetesSentinelsOptions) {
    const { cluster, clock, log, settings } = options;
    this.#options = options;
    this.#deployments = new Informer({
      cluster,
      clock,
      log,
      resource: DEPLOYMENTS,
      schema: SentinelDeployment,
      selection: { namespace: settings.sentinelNamespace, labels: sentinelSelection(settings) },
      onChange: ({ metadata }) => this.#onChange(metadata.name),
    });
  }

  /** Writes the objects that differ from the desired state, and returns how many pods take requests. */
  async reconcile(desired: DesiredSentinel, signal: AbortSignal): Promise<Observed<SentinelStatus>> {
    await untilListed([this.#deployments], this.#options.clock, signal);
    const { clock, settings } = this.#options;
    const known = this.#find(desired.name);
    // Its name is free again when it has gone, which the watch reports.
    if (known?.metadata.deletionTimestamp !== undefined) {
      return {
        content: { health: "unhealthy", availableReplicas: 0, address: "" },
        againMs: LEAVING_AGAIN_MS,
      };
    }
    const written = this.#written.get(desired.name);
    const asWritten = known !== undefined && written?.desired === desired &&
      written.uid === known.metadata.uid && written.generation === known.metadata.generation &&
      clock.now() - written.atMs < REWRITE_MS;
    const { status } = asWritten ? known : await this.#write(desired, signal);
    return {
      content: {
        health: desired.replicas === 0 ? "paused" : status.availableReplicas > 0 ? "healthy" : "unhealthy",
        availableReplicas: status.availableReplicas,
        address: sentinelAddress(desired.name, settings),
      },
      againMs: REWRITE_MS,
    };
  }

  /** Deletes its Deployment, with which Kubernetes removes what it owns, and waits until the pods have gone. */
  async remove(name: string, signal: AbortSignal, limit: Limit): Promise<void> {
    const { clock, cluster } = this.#options;
    await untilListed([this.#deployments], this.#options.clock, signal);
    this.#written.delete(name);
    for (const { metadata } of await this.#list({ [LABEL.name]: name }, signal)) {
      const { uid } = metadata;
      const how = { propagation: "Foreground", uid, signal } as const;
      await limit(() => deleteObject(cluster, DEPLOYMENTS, metadata, how));
    }
    const deadline = clock.now() + REMOVAL_MS_MAX;
    while (this.#find(name) !== undefined) {
      if (clock.now() > deadline) {
        throw new Fault("deadline_exceeded", `sentinel ${name} is still there after ${REMOVAL_MS_MAX} ms`);
      }
      await clock.sleep(REMOVAL_POLL_MS, signal);
    }
  }

  async managed(signal: AbortSignal): Promise<ManagedSentinel[]> {
    return (await this.#list({}, signal)).map(({ metadata: { labels, name } }) => ({
      name: labels[LABEL.name] ?? name,
      sentinelId: labels[LABEL.sentinel] ?? "",
    }));
  }

  async watch(onChange: (name: string) => void, signal: AbortSignal): Promise<void> {
    this.#onChange = onChange;
    try {
      await this.#deployments.run(signal);
    } finally {
      this.#onChange = () => undefined;
    }
  }

  /**
   * The Deployment comes first, empty when it is new, then what it owns, then its pods: none is without its Secret, and
   * whatever moment the agent dies at, nothing is left that does not go with the Deployment.
   */
  async #write(desired: DesiredSentinel, signal: AbortSignal): Promise<SentinelDeployment> {
    const { clock, namespaces, settings } = this.#options;
    try {
      await namespaces.ensure(settings.sentinelNamespace, undefined, signal);
      const owner = (this.#find(desired.name) ?? await this.#writeDeployment(desired, 0, signal)).metadata;
      const secret = sentinelSecret(desired, owner, settings, await this.#options.readAuthority?.());
      await this.#apply(SECRETS, secret, AnyObject, signal);
      await this.#apply(SERVICES, sentinelService(desired, owner, settings), AnyObject, signal);
      const budget = sentinelDisruptionBudget(desired, owner, settings);
      await this.#apply(DISRUPTION_BUDGETS, budget, AnyObject, signal);
      const policy = sentinelNetworkPolicy(desired, owner, settings);
      await this.#apply(NETWORK_POLICIES, policy, AnyObject, signal);
      const deployment = await this.#writeDeployment(desired, desired.replicas, signal);
      const { uid, generation } = deployment.metadata;
      this.#written.set(desired.name, { desired, uid, generation, atMs: clock.now() });
      return deployment;
    } catch (error) {
      namespaces.forget(settings.sentinelNamespace);
      throw error;
    }
  }

  async #writeDeployment(
    desired: DesiredSentinel,
    replicas: number,
    signal: AbortSignal,
  ): Promise<SentinelDeployment> {
    const manifest = sentinelDeployment(desired, replicas, this.#options.settings);
    const deployment = await this.#apply(DEPLOYMENTS, manifest, SentinelDeployment, signal);
    this.#deployments.put(deployment);
    return deployment;
  }

  #apply<T extends KubeObject>(
    resource: Resource,
    manifest: Manifest,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const { cluster } = this.#options;
    return applyObject(cluster, resource, manifest, { fieldManager: FIELD_MANAGER, schema, signal });
  }

  #find(name: string): SentinelDeployment | undefined {
    return this.#deployments.get({ namespace: this.#options.settings.sentinelNamespace, name });
  }

  async #list(labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<KubeObject[]> {
    const { cluster, settings } = this.#options;
    const selection = {
      namespace: settings.sentinelNamespace,
      labels: { ...sentinelSelection(settings), ...labels },
    };
    return (await listObjects(cluster, DEPLOYMENTS, selection, { schema: AnyObject, signal })).items;
  }
}
