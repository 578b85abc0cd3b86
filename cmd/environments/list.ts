/** `unkey environments list` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService, type Environment } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { appJson, appRows } from "../shared/app_view.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { age, JSON_FIELD, jsonLine, table } from "../shared/output.ts";
import { PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";
import { protectionJson, protectionText } from "../shared/protection_view.ts";
import { sizeText } from "../shared/size_fields.ts";
import { idleEndText } from "../shared/idle_end.ts";

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
    const now = process.clock.now();
    process.stdout(table(
      [
        "ENVIRONMENT",
        "LIVE DEPLOYMENT",
        "LAST DEPLOY",
        "SIZE",
        "UNUSED ENDS AFTER",
        "PROTECTED BY",
        "SETTINGS",
        "DESCRIPTION",
      ],
      environments.map((each) => [
        each.slug,
        each.rolledBack ? `${each.liveDeploymentId} (rolled back)` : each.liveDeploymentId,
        each.lastDeployedAt === 0n ? "" : `${age(Number(each.lastDeployedAt), now)} ago`,
        environmentSize(each),
        idleEndText(Number(each.idleEndSeconds)),
        protectionText(each.protection),
        appRows({ settings: each.app }).map(([name = "", value = ""]) => `${name} ${value}`).join(", "),
        each.description,
      ]),
    ));
  },
});

function environmentSize({ size }: Environment): string {
  if (size === undefined) return "";
  const replicas = size.replicas === 0 ? "" : `, ${size.replicas} in each region`;
  return `${sizeText(size)}${replicas}`;
}

function environmentJson(environment: Environment) {
  const { id, slug, description, liveDeploymentId, rolledBack, size } = environment;
  const protection = protectionJson(environment.protection);
  return {
    id,
    slug,
    description,
    ...(liveDeploymentId === "" ? {} : { liveDeploymentId }),
    rolledBack,
    ...(size === undefined ? {} : {
      size: {
        memoryMib: size.memoryMib,
        cpuMillicores: size.cpuMillicores,
        ...(size.replicas === 0 ? {} : { replicas: size.replicas }),
      },
    }),
    ...(environment.lastDeployedAt === 0n ? {} : { lastDeployedAt: Number(environment.lastDeployedAt) }),
    idleEndSeconds: Number(environment.idleEndSeconds),
    ...(protection === undefined ? {} : { protection }),
    app: appJson({ settings: environment.app }),
  };
}
