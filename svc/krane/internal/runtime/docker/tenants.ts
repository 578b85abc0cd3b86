import { publicFault } from "../../../../../pkg/fault/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import type { Runtime } from "../port.ts";

/**
 * A Docker runtime for the apps of one workspace. Docker forbids apps no destination: they reach the machine's own ports, and
 * the cloud's metadata service, which gives out the machine's credentials. A deployment of a further workspace is refused with
 * `failed_precondition` while the first one has apps; those that run already stay.
 */
export function ofOneWorkspace(runtime: Runtime): Runtime {
  /** Workspaces by the names of the deployments that are here. */
  const workspaces = new Map<string, string>();
  return {
    // deno-lint-ignore require-await -- a refusal rejects
    async reconcile(desired, signal) {
      admit(workspaces, desired);
      return runtime.reconcile(desired, signal);
    },
    async remove(name, signal, limit) {
      await runtime.remove(name, signal, limit);
      workspaces.delete(name);
    },
    managed: (signal) => runtime.managed(signal),
    async recover(signal) {
      const found = await runtime.recover(signal);
      for (const { name, workspaceId } of found) workspaces.set(name, workspaceId);
      return found;
    },
    usage: (deployments, signal) => runtime.usage?.(deployments, signal) ?? Promise.resolve([]),
    watch: (onChange, signal) => runtime.watch(onChange, signal),
  };
}

function admit(workspaces: Map<string, string>, { name, workspaceId }: DesiredDeployment): void {
  if (workspaces.size > 0 && ![...workspaces.values()].includes(workspaceId)) {
    throw publicFault(
      "failed_precondition",
      "The region runs apps of one workspace only, and another one has apps there: on a Docker Engine, apps of several " +
        "workspaces are not kept from the machine's own ports. Use another region, or ask the operator, who can allow it " +
        "with --docker-workspaces (UNKEY_DOCKER_WORKSPACES).",
    );
  }
  workspaces.set(name, workspaceId);
}
