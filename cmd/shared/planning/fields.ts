/** The settings, and the call, of commands about the plan of an environment. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Process } from "../../../pkg/cli/mod.ts";
import { type ConfigOf, switchField } from "../../../pkg/config/mod.ts";
import { createRpcClient } from "../../../pkg/rpc/mod.ts";
import {
  type EnvironmentPlan,
  EnvironmentService,
  type WantedEnvironmentSchema,
} from "../../../proto/gen/ctrl/v1/environment_pb.ts";
import { calling, connect, CONNECT_FIELDS, type Connection } from "../connect.ts";
import { JSON_FIELD } from "../output.ts";
import { ENVIRONMENT_FIELD, PROJECT_FIELD, projectOf } from "../project_fields.ts";
import { planOf } from "./plan_view.ts";
import { readWanted } from "./wanted.ts";

export const PLAN_FIELDS = {
  ...CONNECT_FIELDS,
  project: PROJECT_FIELD,
  environment: ENVIRONMENT_FIELD,
  prune: switchField({
    flag: "prune",
    env: "UNKEY_PRUNE",
    help: "Remove sizes, settings and variables that unkey.json does not have. Domains and idleEnd stay.",
  }),
  json: JSON_FIELD,
};

export interface PlanMade {
  readonly connection: Connection;
  readonly project: string;
  readonly request: {
    readonly projectId: string;
    readonly environmentSlug: string;
    readonly wanted: MessageInitShape<typeof WantedEnvironmentSchema>;
  };
  readonly plan: EnvironmentPlan;
}

/** The plan of what the file wants. @throws as `readWanted`, and what the control plane refuses */
export async function makePlan(config: ConfigOf<typeof PLAN_FIELDS>, process: Process): Promise<PlanMade> {
  const { environment: environmentSlug, prune } = config;
  const wanted = await readWanted({ environment: environmentSlug, prune }, process);
  const connection = await connect(config, process);
  const client = createRpcClient(EnvironmentService, connection);
  return await calling(connection, async () => {
    const { id: projectId, slug: project } = await projectOf(connection, config.project, process);
    const request = { projectId, environmentSlug, wanted };
    const { plan } = await client.planEnvironment(request, { signal: process.signal });
    return { connection, project, request, plan: planOf(plan) };
  });
}
