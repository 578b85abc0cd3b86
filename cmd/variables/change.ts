/** Shared by setting and removing variables: the environment, and the redeploy after the change. */
import { type ExitCode, type Process, resultEvent } from "../../pkg/cli/mod.ts";
import { type ConfigOf, switchField } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { FOLLOW_FIELDS, followSettings } from "../shared/deploying/follow_fields.ts";
import { reportDeploy } from "../shared/deploying/print_result.ts";
import { runRedeploy } from "../shared/deploying/run_redeploy.ts";
import { calling, connect, CONNECT_FIELDS, type Connection } from "../shared/connect.ts";
import { jsonLine } from "../shared/output.ts";
import { ENVIRONMENT_FIELD, PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";

/** Settings of every command that changes variables. */
export const CHANGE_FIELDS = {
  ...CONNECT_FIELDS,
  project: PROJECT_FIELD,
  environment: ENVIRONMENT_FIELD,
  redeploy: switchField({
    flag: "redeploy",
    env: "UNKEY_REDEPLOY",
    help: "Deploy again what the environment serves, so that it gets the change.",
  }),
  ...FOLLOW_FIELDS,
};

/** One change of an environment's variables. */
export interface VariablesChange {
  /** Makes the change; returns the sentence that says so, and the members of its JSON. */
  readonly apply: (where: ChangedEnvironment) => Promise<{ readonly text: string; readonly json: object }>;
}

/** Where it is made. */
export interface ChangedEnvironment {
  readonly admin: ReturnType<typeof createRpcClient<typeof AdminService>>;
  readonly projectId: string;
  readonly environmentSlug: string;
  readonly signal: AbortSignal;
}

/** Makes the change, and then the deployment that gets it if that is wanted. */
export async function changeVariables(
  config: ConfigOf<typeof CHANGE_FIELDS>,
  { apply }: VariablesChange,
  process: Process,
): Promise<ExitCode> {
  const { environment, output } = config;
  const connection = await connect(config, process);
  const admin = createRpcClient(AdminService, connection);
  const { signal } = process;
  const { project, text, changed } = await calling(connection, async () => {
    const { id: projectId, slug } = await projectOf(connection, config.project, process);
    const done = await apply({ admin, projectId, environmentSlug: environment, signal });
    return { project: slug, text: done.text, changed: done.json };
  });
  process.stderr(`${text} in ${environment} of ${project}\n`);
  if (config.redeploy) return await redeploy({ config, connection, project, changed }, process);
  if (output === "ndjson") {
    process.stdout(jsonLine({ ...resultEvent(process), project, environment, ...changed }));
  } else if (output === "json") process.stdout(jsonLine({ project, environment, ...changed }));
  else process.stderr('   what runs keeps the old ones until "unkey redeploy", or the next deploy\n');
  return 0;
}

async function redeploy(
  { config, connection, project, changed }: {
    readonly changed: object;
    readonly config: ConfigOf<typeof CHANGE_FIELDS>;
    readonly connection: Connection;
    readonly project: string;
  },
  process: Process,
): Promise<ExitCode> {
  const { environment } = config;
  return await reportDeploy(config, process, async (report) => ({
    ...changed,
    ...await runRedeploy({
      former: { kind: "environment", project, environment },
      to: undefined,
      connect: () => Promise.resolve(connection),
      process,
      report,
      ...followSettings(config),
    }),
  }));
}
