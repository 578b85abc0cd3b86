import { z } from "zod";
import type { Cluster } from "./cluster.ts";
import { apiFault } from "./fault.ts";
import { collectionPath, labelSelector, type Resource, type Selection } from "./objects.ts";
import { jsonLines } from "./stream.ts";

/** One event of a watch. */
export type WatchEvent =
  | { readonly kind: "changed" | "deleted"; readonly object: unknown }
  /** Nothing happened up to this version. */
  | { readonly kind: "bookmark"; readonly resourceVersion: string };

const Event = z.object({ type: z.string(), object: z.unknown() });
const Versioned = z.object({ metadata: z.object({ resourceVersion: z.string() }) });
const Status = z.object({ code: z.number().default(500) });

/** The API ends a watch after this long by itself, in seconds; random, so that watches do not come back together. */
const WATCH_SECONDS = { least: 240, spread: 120 };

/**
 * Streams the changes of objects after `resourceVersion`, until the API ends the stream, which it does every few minutes.
 *
 * @throws an `ApiFault` that `isExpired` when the version is too old: list again
 */
export async function* watchObjects(
  cluster: Cluster,
  resource: Resource,
  selection: Selection,
  from: { readonly resourceVersion: string; readonly signal: AbortSignal },
): AsyncGenerator<WatchEvent> {
  const { resourceVersion, signal } = from;
  const path = collectionPath(resource, selection.namespace);
  const seconds = WATCH_SECONDS.least + Math.floor(random() * WATCH_SECONDS.spread);
  const response = await cluster.call({
    method: "GET",
    path,
    query: {
      watch: "true",
      labelSelector: labelSelector(selection.labels),
      fieldSelector: selection.fields && labelSelector(selection.fields),
      resourceVersion,
      allowWatchBookmarks: "true",
      timeoutSeconds: String(seconds),
    },
    streamed: true,
    signal,
  });
  for await (const line of jsonLines(cluster, response, signal)) {
    const { type, object } = Event.parse(line);
    switch (type) {
      case "ADDED":
      case "MODIFIED":
        yield { kind: "changed", object };
        break;
      case "DELETED":
        yield { kind: "deleted", object };
        break;
      case "BOOKMARK":
        yield { kind: "bookmark", resourceVersion: Versioned.parse(object).metadata.resourceVersion };
        break;
      case "ERROR":
        throw apiFault(`WATCH ${path}`, Status.parse(object).code, JSON.stringify(object));
    }
  }
}

function random(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;
}
