import type { V1Namespace } from "@kubernetes/client-node";
import { isFault, publicFault } from "../../../../../pkg/fault/mod.ts";
import {
  AnyObject,
  applyObject,
  type Cluster,
  createObject,
  getObject,
  type KubeObject,
  NAMESPACES,
  SECRETS,
} from "../../../../../pkg/kube/mod.ts";
import { LABEL, ownLabels } from "./labels.ts";
import { registrySecret } from "./secrets.ts";
import type { KubernetesSettings } from "./settings.ts";

/** The writer of the agent's objects, as Kubernetes records it. */
export const FIELD_MANAGER = "krane";

/**
 * Makes namespaces when something shall run in them. A namespace belongs to one agent whole: inside of it every object
 * with a name of the agent's is its own. It stays when it is empty: removing it would take along what others put there,
 * and the next deployment would have to wait until it is gone.
 */
export class Namespaces {
  readonly #cluster: Cluster;
  readonly #settings: KubernetesSettings;
  readonly #ready = new Set<string>();
  /** Under way: deployments that come together need one look. */
  readonly #looks = new Map<string, Promise<void>>();

  constructor(cluster: Cluster, settings: KubernetesSettings) {
    this.#cluster = cluster;
    this.#settings = settings;
  }

  /**
   * Makes sure that a namespace is there and is this agent's; without a workspace it is shared by all of them.
   *
   * @throws `failed_precondition` when it is not this agent's, `unavailable` while it is being deleted
   */
  async ensure(name: string, workspaceId: string | undefined, signal: AbortSignal): Promise<void> {
    if (this.#ready.has(name)) return;
    const look = this.#looks.get(name) ??
      this.#make(name, workspaceId, signal).finally(() => this.#looks.delete(name));
    this.#looks.set(name, look);
    await look;
  }

  /** Something in it failed: look at it again the next time. */
  forget(name: string): void {
    this.#ready.delete(name);
  }

  async #make(name: string, workspaceId: string | undefined, signal: AbortSignal): Promise<void> {
    const options = { schema: AnyObject, signal };
    const found = await getObject(this.#cluster, NAMESPACES, { namespace: "", name }, options) ??
      await this.#create(name, workspaceId, signal);
    this.#check(found);
    const { registry } = this.#settings;
    if (registry?.credentials !== undefined) {
      const { credentials, name: host } = registry;
      const manifest = registrySecret(name, { name: host, credentials }, this.#settings);
      await applyObject(this.#cluster, SECRETS, manifest, { fieldManager: FIELD_MANAGER, ...options });
    }
    this.#ready.add(name);
  }

  async #create(name: string, workspaceId: string | undefined, signal: AbortSignal): Promise<KubeObject> {
    const labels = {
      ...ownLabels(this.#settings),
      ...(workspaceId === undefined ? {} : { [LABEL.workspace]: workspaceId }),
    };
    const manifest = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, labels },
    } satisfies V1Namespace;
    const options = { schema: AnyObject, signal };
    try {
      return await createObject(this.#cluster, NAMESPACES, manifest, options);
    } catch (error) {
      if (!isFault(error, "already_exists")) throw error;
      const found = await getObject(this.#cluster, NAMESPACES, { namespace: "", name }, options);
      if (found === undefined) throw error;
      return found;
    }
  }

  #check({ metadata }: KubeObject): void {
    const { name, labels } = metadata;
    if (metadata.deletionTimestamp !== undefined) {
      throw publicFault("unavailable", `The namespace "${name}" is being deleted.`);
    }
    const own = Object.entries(ownLabels(this.#settings));
    if (own.every(([key, value]) => labels[key] === value)) return;
    const wanted = own.map(([key, value]) => `${key}=${value}`).join(" ");
    throw publicFault(
      "failed_precondition",
      `The namespace "${name}" exists and is not this agent's. Remove it, or give it to the agent with ` +
        `"kubectl label namespace ${name} ${wanted}".`,
    );
  }
}
