/** `unkey environments list` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService, type Environment } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { JSON_FIELD, jsonLine, table } from "../shared/output.ts";
import { PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";

export const command = defineCommand({
  outcome: "output",
  fields: { ...CONNECT_FIELDS, project: PROJECT_FIELD, json: JSON_FIELD },
  file: (_words, process) => projectFile(process),
  async run({ config }, process) {
    const connection = await connect(config, process);
    const admin = createRpcClient(AdminService, connection);
    const { project, environments } = await calling(connection, async () => {
      const { id: projectId, slug } = await projectOf(connection, config.project, process);
      const { environments } = await admin.listEnvironments({ projectId }, { signal: process.signal });
      return { project: slug, environments };
    });
    if (config.json) {
      return process.stdout(jsonLine({ project, environments: environments.map(environmentJson) }));
    }
    process.stdout(table(
      ["ENVIRONMENT", "LIVE DEPLOYMENT", "ROLLED BACK", "DESCRIPTION"],
      environments.map((each) => [
        each.slug,
        each.liveDeploymentId,
        each.rolledBack ? "yes" : "",
        each.description,
      ]),
    ));
  },
});

function environmentJson({ id, slug, description, liveDeploymentId, rolledBack }: Environment) {
  return {
    id,
    slug,
    description,
    ...(liveDeploymentId === "" ? {} : { liveDeploymentId }),
    rolledBack,
  };
}
