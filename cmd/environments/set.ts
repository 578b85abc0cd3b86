/** `unkey environments set`: how the apps of an environment are run, and when its deployments end. */
import { defineCommand, type FileSettings, type Process } from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, listField } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { EnvironmentService } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { APP_FIELDS, appOf } from "../shared/app_fields.ts";
import { appJson, appRows } from "../shared/app_view.ts";
import { calling, connect, CONNECT_FIELDS, type Connection } from "../shared/connect.ts";
import { JSON_FIELD, jsonLine, table } from "../shared/output.ts";
import { PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";
import { ENVIRONMENT_SIZE_FIELDS, sizeOf } from "../shared/size_fields.ts";
import { IDLE_END_SCHEMA, idleEndText } from "../shared/idle_end.ts";

const FIELDS = {
  ...CONNECT_FIELDS,
  project: PROJECT_FIELD,
  ...APP_FIELDS,
  ...ENVIRONMENT_SIZE_FIELDS,
  idleEnd: field({
    flag: "idle-end",
    env: "UNKEY_IDLE_END",
    placeholder: "<time>",
    help: "Stop deployments that got no request for so long: 7d, 12h, 30m, never, or default.",
    schema: IDLE_END_SCHEMA,
    show: () => "",
  }),
  unset: listField({
    flag: "unset",
    env: "UNKEY_SETTINGS_UNSET",
    placeholder: "<setting>",
    help: "Forget this setting, by its name in unkey.json; * forgets all but size and end. Repeatable.",
    parse: (names) => names,
  }),
  json: JSON_FIELD,
};

type Config = ConfigOf<typeof FIELDS>;

/** `unkey environments set <environment>` */
export const command = defineCommand({
  fields: FIELDS,
  positionals: [{ name: "environment", help: "The slug of an environment.", required: true }],
  notes:
    `Settings hold for later deployments, where unkey.json and flags of deploy say nothing else. "unkey redeploy" gives
them to what runs, without a build. Without a setting, the command shows what the environment has.

--idle-end holds at once, also for what runs. A stopped deployment keeps its host names, which say how it is started
again. What production serves never ends for want of requests. Unless it is set, the operator's value holds for
the environment preview (7 days, if they did not change it), and deployments of other environments go on.`,
  file: (_words, process) => projectOnly(process),
  async run({ config, positionals: [environmentSlug = ""] }, process) {
    const connection = await connect(config, process);
    const { project, idleEndSeconds, app } = await calling(
      connection,
      () => apply(connection, config, environmentSlug, process),
    );
    if (config.json) {
      return process.stdout(jsonLine({
        project,
        environment: environmentSlug,
        ...(idleEndSeconds === undefined ? {} : { idleEndSeconds }),
        ...(app === undefined ? {} : appJson(app)),
      }));
    }
    if (app !== undefined) process.stdout(table(["SETTING", "VALUE"], appRows(app)));
    if (changesApp(config)) {
      process.stderr(
        `They hold for later deployments. Give them to what runs now: unkey redeploy --env ${environmentSlug}\n`,
      );
    }
    if (idleEndSeconds !== undefined) {
      const when = idleEndSeconds === 0
        ? "never end for want of requests"
        : `end after ${idleEndText(idleEndSeconds)} without a request`;
      process.stdout(`${project} ${environmentSlug}: deployments ${when}\n`);
    }
  },
});

/** Sets what is given. The settings of apps are read again, unless only the end was set. */
async function apply(
  connection: Connection,
  config: Config,
  environmentSlug: string,
  process: Process,
) {
  const { idleEnd, unset } = config;
  const { signal } = process;
  const client = createRpcClient(EnvironmentService, connection);
  const { id: projectId, slug: project } = await projectOf(connection, config.project, process);
  const named = { projectId, environmentSlug };
  const [settings, size] = [appOf(config), sizeOf(config)];
  if (settings !== undefined || unset.length > 0) {
    const given = settings === undefined ? {} : { settings };
    await client.setAppSettings({ ...named, reset: [...unset], ...given }, { signal });
  }
  if (size !== undefined) await client.setSize({ ...named, size, reset: false }, { signal });
  const given = idleEnd?.kind === "operator" ? {} : { seconds: BigInt(idleEnd?.seconds ?? 0) };
  const ended = idleEnd === undefined
    ? undefined
    : await client.setIdleEnd({ ...named, ...given }, { signal });
  const onlyEnd = ended !== undefined && !changesApp(config);
  return {
    project,
    idleEndSeconds: ended === undefined ? undefined : Number(ended.seconds),
    app: onlyEnd ? undefined : await client.getAppSettings(named, { signal }),
  };
}

function changesApp(config: Config): boolean {
  return appOf(config) !== undefined || sizeOf(config) !== undefined || config.unset.length > 0;
}

/** The settings in `unkey.json` are those of one app's deployments, and not the environment's. */
async function projectOnly(process: Process): Promise<FileSettings | undefined> {
  const file = await projectFile(process);
  if (file === undefined) return undefined;
  return { ...file, value: (key) => key === "project" ? file.value(key) : undefined };
}
