import type { MessageInitShape } from "@bufbuild/protobuf";
import type { InstanceEventSchema } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { type InstanceEventsTable, listInstanceEvents } from "../../internal/store/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

/**
 * Lists the events of a deployment's instances in all regions, in the order of time.
 *
 * @throws `not_found`, `permission_denied`
 */
export async function listDeploymentInstanceEvents(
  deps: Pick<DeploymentDeps, "db" | "reader">,
  caller: RootKeyPrincipal,
  deploymentId: string,
): Promise<readonly InstanceEventsTable[]> {
  const { id } = await requireDeployment(deps, caller, { id: deploymentId, action: "read_deployment" });
  return await deps.db.read((db) => listInstanceEvents(db, id));
}

/** The message about one event. */
export function encodeInstanceEvent(row: InstanceEventsTable): MessageInitShape<typeof InstanceEventSchema> {
  return {
    kind: row.kind,
    reason: row.reason,
    message: row.message,
    instance: row.instance,
    region: row.region,
    ...(row.exit_code === null ? {} : { exitCode: row.exit_code }),
    times: row.times,
    firstAt: BigInt(row.first_at),
    lastAt: BigInt(row.last_at),
  };
}
