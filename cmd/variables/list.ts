/** `unkey variables list` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { age, JSON_FIELD, jsonLine, table } from "../shared/output.ts";
import { ENVIRONMENT_FIELD, PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";

export const command = defineCommand({
  outcome: "output",
  fields: { ...CONNECT_FIELDS, project: PROJECT_FIELD, environment: ENVIRONMENT_FIELD, json: JSON_FIELD },
  notes: "Values are stored encrypted and are never shown.",
  file: (_words, process) => projectFile(process),
  async run({ config }, process) {
    const connection = await connect(config, process);
    const admin = createRpcClient(AdminService, connection);
    const { environment } = config;
    const { project, variables } = await calling(connection, async () => {
      const { id: projectId, slug } = await projectOf(connection, config.project, process);
      const request = { projectId, environmentSlug: environment };
      const { variables } = await admin.listEnvironmentVariables(request, { signal: process.signal });
      return { project: slug, variables };
    });
    if (config.json) {
      const shown = variables.map(({ key, updatedAt }) => ({ name: key, updatedAt: Number(updatedAt) }));
      return process.stdout(jsonLine({ project, environment, variables: shown }));
    }
    if (variables.length === 0) {
      return process.stderr(
        `No variables in ${environment} of ${project}. "unkey variables set" sets some.\n`,
      );
    }
    const now = process.clock.now();
    process.stdout(table(
      ["NAME", "CHANGED"],
      variables.map(({ key, updatedAt }) => [key, `${age(Number(updatedAt), now)} ago`]),
    ));
  },
});
