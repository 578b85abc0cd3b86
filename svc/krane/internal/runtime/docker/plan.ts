import type { Container } from "../../../../../pkg/docker/mod.ts";

/** A container that was found, as one instance of a deployment. */
export interface ContainerState {
  readonly id: string;
  readonly ordinal: number;
  readonly hash: string;
  readonly status: Container["state"]["status"];
}

/** One thing to do. Doing it twice equals doing it once. */
export type Action =
  | { readonly kind: "create"; readonly ordinal: number }
  | { readonly kind: "start"; readonly ordinal: number; readonly id: string }
  /** Let it end in its own time, then remove it. */
  | { readonly kind: "retire"; readonly id: string }
  /** It does not run any more: remove it at once. */
  | { readonly kind: "clear"; readonly id: string };

/**
 * The actions that bring what was found to `replicas` containers of spec `hash`, removals first. Works from the full
 * state only, so a change, a resync and a restart of the agent all take this one path.
 */
export function plan(replicas: number, hash: string, found: readonly ContainerState[]): Action[] {
  const removals: Action[] = [];
  const kept = new Map<number, ContainerState>();
  for (const each of found) {
    const wanted = each.ordinal >= 0 && each.ordinal < replicas && each.hash === hash &&
      !kept.has(each.ordinal);
    if (each.status === "dead" || each.status === "removing") removals.push({ kind: "clear", id: each.id });
    else if (wanted) kept.set(each.ordinal, each);
    else removals.push({ kind: "retire", id: each.id });
  }
  const changes: Action[] = [];
  for (let ordinal = 0; ordinal < replicas; ordinal++) {
    const current = kept.get(ordinal);
    if (current === undefined) changes.push({ kind: "create", ordinal });
    else if (current.status === "created" || current.status === "exited") {
      changes.push({ kind: "start", ordinal, id: current.id });
    }
  }
  return [...removals, ...changes];
}
