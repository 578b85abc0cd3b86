/** Containers that others put into an app's pod: proxies of a service mesh, collectors, init containers. */
import type { ContainerStatus, Pod } from "./objects.ts";
import { CONTAINER } from "./replica_set.ts";

/** The container of a pod that keeps it from being ready, beside the app's own. */
export interface OtherTrouble {
  readonly name: string;
  /** A part of a sentence, such as `ended with exit code 1`. */
  readonly problem: string;
}

/** Waits of a container that is on its way. */
const ON_ITS_WAY = new Set(["", "ContainerCreating", "PodInitializing"]);

/** The container that the app's own waits for: an init container that failed. */
export function initTrouble(pod: Pod): OtherTrouble | undefined {
  return firstTrouble(pod.status.initContainerStatuses, (status) => {
    // An init container that goes on beside the app is ready again after an end of long ago.
    if (status.ready || status.state.terminated?.exitCode === 0) return undefined;
    return problemOf(status);
  });
}

/** The container beside the app's own that is not ready. */
export function sidecarTrouble(pod: Pod): OtherTrouble | undefined {
  const beside = pod.status.containerStatuses.filter(({ name }) => name !== CONTAINER);
  return initTrouble(pod) ??
    firstTrouble(beside, (status) => status.ready ? undefined : problemOf(status) ?? "is not ready");
}

/** The sentences about a container beside the app, for the one who can mend it. */
export function sidecarText(what: string, { name, problem }: OtherTrouble): string {
  return `${what}: the container "${name}" beside it ${problem}. The cluster puts that container into each pod; the ` +
    "region's operator can mend it.";
}

function firstTrouble(
  statuses: readonly ContainerStatus[],
  problemOf: (status: ContainerStatus) => string | undefined,
): OtherTrouble | undefined {
  for (const status of statuses) {
    const problem = problemOf(status);
    if (problem !== undefined) return { name: status.name, problem };
  }
  return undefined;
}

function problemOf({ lastState, restartCount, state }: ContainerStatus): string | undefined {
  const { waiting } = state;
  const end = state.terminated ?? lastState.terminated;
  if (end !== undefined && (state.running === undefined || restartCount > 0)) {
    // Without their number: each new text would be an event.
    return `ended with exit code ${end.exitCode}`;
  }
  if (waiting === undefined || ON_ITS_WAY.has(waiting.reason)) return undefined;
  return waiting.message === "" ? `waits (${waiting.reason})` : `cannot start: ${waiting.message}`;
}
