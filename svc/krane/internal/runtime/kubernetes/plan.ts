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
