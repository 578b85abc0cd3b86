/** The state of one pod, as far as its deletion depends on it. */
export interface PodState {
  readonly name: string;
  readonly uid: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Made from what is wanted now. */
  readonly current: boolean;
  readonly running: boolean;
  /** Has ended for good. */
  readonly finished: boolean;
  readonly terminating: boolean;
}

/**
 * The pods to delete, for which the ReplicaSet makes others. It never touches a pod whose template has changed, so one
 * outdated pod goes at a time, and only while everything else runs; and it keeps pods that have ended, of which the
 * newest one stays, until all replicas run, because it tells why.
 */
export function podsToDelete(replicas: number, found: readonly PodState[]): PodState[] {
  const alive = found.filter((each) => !each.terminating && !each.finished);
  const ended = found.filter((each) => each.finished && !each.terminating)
    .toSorted((a, b) => b.createdAt - a.createdAt);
  const complete = alive.filter((each) => each.running).length >= replicas;
  const doomed = complete ? ended : ended.slice(1);
  const outdated = alive.filter((each) => !each.current);
  const broken = outdated.filter((each) => !each.running);
  if (broken.length > 0) return [...doomed, ...broken];
  const next = outdated[0];
  return next !== undefined && complete ? [...doomed, next] : doomed;
}

/** A pod, as far as a drain of its node matters. */
export interface MovablePod {
  readonly uid: string;
  readonly running: boolean;
  readonly finished: boolean;
  readonly terminating: boolean;
  /** It was there when its node began to drain. */
  readonly leaving: boolean;
}

/** The pods to add to those that are wanted, and the pods that may go because others have taken their place. */
export interface Move {
  readonly surge: number;
  readonly released: readonly string[];
}

/**
 * Pods of draining nodes get others beside them, and go when as many run elsewhere as are wanted. They go together: a
 * ReplicaSet that shrinks removes pods that do not run yet before any other. A pod that does not run needs no other one.
 */
export function planMove(replicas: number, pods: readonly MovablePod[]): Move {
  const running = pods.filter((each) => each.running && !each.finished && !each.terminating);
  const leaving = running.filter((each) => each.leaving);
  const isReplaced = running.length - leaving.length >= replicas;
  return isReplaced
    ? { surge: 0, released: leaving.map(({ uid }) => uid) }
    : { surge: Math.min(leaving.length, replicas), released: [] };
}
