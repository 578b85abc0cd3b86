import type { z } from "zod";
import { IdleAbort } from "../async/mod.ts";
import type { Clock } from "../clock/mod.ts";
import { describeError, Fault } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { backoffMs } from "../retry/mod.ts";
import type { Cluster } from "./cluster.ts";
import { isExpired } from "./fault.ts";
import { type KubeObject, listObjects, type ObjectRef, type Resource, type Selection } from "./objects.ts";
import { type WatchEvent, watchObjects } from "./watch.ts";

export interface InformerOptions<T extends KubeObject> {
  readonly cluster: Cluster;
  readonly resource: Resource;
  readonly selection: Selection;
  /** Keeps the fields of an object that are needed. */
  readonly schema: z.ZodType<T>;
  /** Puts objects into groups by what they say of themselves; absent: there are none. */
  readonly groupOf?: (object: T) => string | undefined;
  /** Called once for each version of an object, and at its removal. Must not throw. */
  readonly onChange: (object: T) => void;
  readonly clock: Clock;
  readonly log: Logger;
  /** A watch without an event for so long is lost; the API sends a bookmark about every minute. */
  readonly idleMs?: number;
}

const IDLE_MS = 90_000;
/** A watch that ends sooner counts as failed, or it would be opened without a pause. */
const WATCH_MS_MIN = 1_000;
const RETRY_FIRST_MS = 200;
const RETRY_MS_MAX = 10_000;

/**
 * A copy of all objects of a selection that follows the cluster for ever: lists once, then watches from the last version
 * that it has seen, and lists again only when that is too old.
 */
export class Informer<T extends KubeObject> {
  readonly #options: InformerOptions<T>;
  readonly #objects = new Map<string, T>();
  readonly #groups = new Map<string, Map<string, T>>();
  /** The version of each object that was last reported. */
  readonly #reported = new Map<string, string>();
  readonly #listed = Promise.withResolvers<void>();
  #resourceVersion: string | undefined;
  #synced = false;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
  }

  /** True once the whole selection has been listed. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Resolves once the whole selection has been listed. */
  get listed(): Promise<void> {
    return this.#listed.promise;
  }

  all(): Iterable<T> {
    return this.#objects.values();
  }

  get({ namespace, name }: ObjectRef): T | undefined {
    return this.#objects.get(`${namespace}/${name}`);
  }

  /** The objects of one group. */
  group(group: string): T[] {
    return [...this.#groups.get(group)?.values() ?? []];
  }

  /** Takes an object as the API answered it, so that it is known before the watch reports it. */
  put(object: T): void {
    const key = keyOf(object);
    const known = this.#objects.get(key);
    if (known !== undefined && !isNewer(object, known)) return;
    this.#objects.set(key, object);
    const group = this.#options.groupOf?.(object);
    if (group === undefined) return;
    const members = this.#groups.get(group) ?? new Map<string, T>();
    this.#groups.set(group, members.set(key, object));
  }

  /** Follows the cluster until the signal aborts; outlives its outages. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, resource } = this.#options;
    for (let failures = 0; !signal.aborted;) {
      try {
        this.#resourceVersion ??= await this.#list(signal);
        const since = clock.now();
        await this.#follow(this.#resourceVersion, () => failures = 0, signal);
        // The usual end: the API closes each watch after some minutes.
        if (clock.now() - since >= WATCH_MS_MIN) continue;
      } catch (error) {
        if (signal.aborted) return;
        if (isExpired(error)) this.#resourceVersion = undefined;
        log.warn("watch lost", { resource: resource.plural, error: describeError(error) });
      }
      await clock.sleep(backoffMs(++failures, RETRY_FIRST_MS, RETRY_MS_MAX), signal).catch(() => undefined);
    }
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { cluster, resource, selection, schema } = this.#options;
    const { items, resourceVersion } = await listObjects(cluster, resource, selection, { schema, signal });
    const keys = new Set(items.map(keyOf));
    for (const [key, object] of this.#objects) if (!keys.has(key)) this.#remove(key, object);
    for (const object of items) {
      if (this.#reported.get(keyOf(object)) !== object.metadata.resourceVersion) this.#take(object);
    }
    this.#synced = true;
    this.#listed.resolve();
    return resourceVersion;
  }

  async #follow(resourceVersion: string, onEvent: () => void, signal: AbortSignal): Promise<void> {
    const { clock, cluster, idleMs = IDLE_MS, resource, selection } = this.#options;
    const error = (): Fault =>
      new Fault("unavailable", `the watch of ${resource.plural} had no event for ${idleMs} ms`);
    using idle = new IdleAbort({ clock, error, idleMs, signal });
    const from = { resourceVersion, signal: idle.signal };
    for await (const event of watchObjects(cluster, resource, selection, from)) {
      idle.reset();
      onEvent();
      this.#handle(event);
    }
  }

  #handle(event: WatchEvent): void {
    if (event.kind === "bookmark") return void (this.#resourceVersion = event.resourceVersion);
    const parsed = this.#options.schema.safeParse(event.object);
    if (!parsed.success) {
      // One object that cannot be read must not hide the others.
      const { plural } = this.#options.resource;
      return this.#options.log.error("object cannot be read", {
        resource: plural,
        error: parsed.error.message,
      });
    }
    this.#resourceVersion = parsed.data.metadata.resourceVersion;
    if (event.kind === "changed") this.#take(parsed.data);
    else this.#remove(keyOf(parsed.data), parsed.data);
  }

  #take(object: T): void {
    this.put(object);
    this.#reported.set(keyOf(object), object.metadata.resourceVersion);
    this.#options.onChange(object);
  }

  #remove(key: string, object: T): void {
    // The name may belong to a newer object already.
    const known = this.#objects.get(key);
    if (known?.metadata.uid === object.metadata.uid) {
      this.#objects.delete(key);
      this.#reported.delete(key);
      const group = this.#options.groupOf?.(known) ?? "";
      const members = this.#groups.get(group);
      members?.delete(key);
      if (members?.size === 0) this.#groups.delete(group);
    }
    this.#options.onChange(object);
  }
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Versions grow within a kind; an object of another uid came after the one that it replaces. */
function isNewer(object: KubeObject, known: KubeObject): boolean {
  return Number(object.metadata.resourceVersion) >= Number(known.metadata.resourceVersion);
}
