import { publicFault } from "../../../../../pkg/fault/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";

/**
 * The workspaces whose apps one Docker Engine runs. An app there reaches the machine's own ports and the cloud's metadata service,
 * which gives out the machine's credentials: nothing in Docker forbids it. So there is one workspace, unless the operator says that
 * rules of the machine's firewall keep apps from both.
 */
export class Tenants {
  readonly #areMany: boolean;
  /** Workspaces by the names of the deployments that are here. */
  readonly #workspaces = new Map<string, string>();

  constructor(areMany: boolean) {
    this.#areMany = areMany;
  }

  /** Takes the deployments that run already. */
  recover(deployments: readonly Pick<DesiredDeployment, "name" | "workspaceId">[]): void {
    for (const { name, workspaceId } of deployments) this.#workspaces.set(name, workspaceId);
  }

  /** @throws `failed_precondition` for a deployment of a further workspace */
  admit({ name, workspaceId }: Pick<DesiredDeployment, "name" | "workspaceId">): void {
    const isKnown = this.#workspaces.size === 0 || [...this.#workspaces.values()].includes(workspaceId);
    if (!this.#areMany && !isKnown) {
      throw publicFault(
        "failed_precondition",
        "The region runs apps of one workspace only, and another one has apps there: on a Docker Engine, apps of several " +
          "workspaces are not kept from the machine's own ports. Use another region, or ask the operator, who can allow it " +
          "with --docker-workspaces (UNKEY_DOCKER_WORKSPACES).",
      );
    }
    this.#workspaces.set(name, workspaceId);
  }

  forget(name: string): void {
    this.#workspaces.delete(name);
  }
}
