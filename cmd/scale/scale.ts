/** `unkey scale`: the size of an environment's deployments, and the number of their instances by the load. */
import { defineCommand, type Process, UsageError } from "../../pkg/cli/mod.ts";
import { type ConfigOf, switchField } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { EnvironmentService } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { calling, connect, CONNECT_FIELDS, type Connection } from "../shared/connect.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";
import { ENVIRONMENT_SCALING_FIELDS, scalingJson, scalingOf } from "../shared/scaling_fields.ts";
import { scalingText } from "../shared/scaling_view.ts";
import { ENVIRONMENT_SLEEP_FIELD, NEVER, sleepAfterText, sleepSecondsOf } from "../shared/sleep_field.ts";
import { ENVIRONMENT_SIZE_FIELDS, sizeOf, sizeText } from "../shared/size_fields.ts";

const FIELDS = {
  ...CONNECT_FIELDS,
  project: PROJECT_FIELD,
  ...ENVIRONMENT_SIZE_FIELDS,
  ...ENVIRONMENT_SCALING_FIELDS,
  sleepAfterMs: ENVIRONMENT_SLEEP_FIELD,
  fixed: switchField({
    flag: "fixed",
    env: "UNKEY_SCALE_FIXED",
    help: "The number of instances follows the load no more, and stays as it is.",
  }),
  reset: switchField({
    flag: "reset",
    env: "UNKEY_SCALE_RESET",
    help: "Forget what was set before: the operator's values hold again.",
  }),
  json: JSON_FIELD,
};

/** `unkey scale <environment>` */
export const command = defineCommand({
  fields: FIELDS,
  positionals: [{ name: "environment", help: "The slug of an environment.", required: true }],
  notes: `The size holds for later deployments. "unkey redeploy" gives it to what runs, without a build.

With --max and a target, the number of instances in each region follows the load, for what runs at once, too:
  unkey scale production --min 1 --max 5 --target-cpu 70 --target-concurrency 50
More instances come within seconds when a target is exceeded; fewer only when none of the targets has needed more
for the time of --down-after. A target that cannot be measured never takes instances away. The bounds and targets
of a deployment's unkey.json come before those of its environment.

With --sleep-after, deployments that got no request for so long sleep, also those that run now: none of their
instances runs until the next request, which waits for a second or a few and is served. Up to a minute passes
beyond the time. "unkey scale production --sleep-after" is the only way in which production sleeps: a sleepAfter in
unkey.json holds for all other environments. An app that is called through its sentinel only looks unused, and
one that works by itself, such as a worker of a queue, does nothing while it sleeps: give it "never".`,
  file: (_words, process) => projectFile(process),
  async run({ config, positionals: [environmentSlug = ""] }, process) {
    if (!changes(config)) {
      throw new UsageError(
        "Nothing to set: give --memory, --cpu, --replicas, --max, --sleep-after, --fixed or --reset.",
      );
    }
    if (config.fixed && scalingOf(config) !== undefined) {
      throw new UsageError("--fixed ends what bounds and targets begin: leave one of the two out.");
    }
    const connection = await connect(config, process);
    const { project, size, settings } = await calling(
      connection,
      () => apply(connection, config, environmentSlug, process),
    );
    const { memoryMib = 0, cpuMillicores = 0, replicas = 0 } = size ?? {};
    const scaling = settings?.scaling;
    const sleepAfter = sleepAfterText(settings?.sleepSeconds ?? 0);
    if (config.json) {
      const shown = { memoryMib, cpuMillicores, ...(replicas === 0 ? {} : { replicas }) };
      return process.stdout(jsonLine({
        project,
        environment: environmentSlug,
        size: shown,
        ...(scaling === undefined ? {} : { scaling: scalingJson(scaling) }),
        ...(sleepAfter === undefined ? {} : { sleepAfter }),
      }));
    }
    const fixed = replicas === 0 ? "" : `, ${replicas} in each region`;
    const instances = scaling === undefined ? fixed : `, ${scalingText(scaling)}`;
    process.stdout(
      `${project} ${environmentSlug}: ${
        sizeText({ memoryMib, cpuMillicores })
      } for each instance${instances}${sleepText(sleepAfter)}\n`,
    );
    if (sizeOf(config) === undefined && !config.reset) return;
    process.stderr(
      `The size holds for later deployments. Give it to what runs now: unkey redeploy --env ${environmentSlug}\n`,
    );
  },
});

function sleepText(sleepAfter: string | undefined): string {
  if (sleepAfter === undefined) return "";
  return sleepAfter === NEVER ? ", never asleep" : `, asleep after ${sleepAfter} without a request`;
}

function changes(config: ConfigOf<typeof FIELDS>): boolean {
  const { sleepAfterMs, reset, fixed } = config;
  return sizeOf(config) !== undefined || scalingOf(config) !== undefined || sleepAfterMs !== undefined ||
    reset || fixed;
}

/** Sets what is given, and reads what holds then. */
async function apply(
  connection: Connection,
  config: ConfigOf<typeof FIELDS>,
  environmentSlug: string,
  process: Process,
) {
  const client = createRpcClient(EnvironmentService, connection);
  const { signal } = process;
  const { id: projectId, slug: project } = await projectOf(connection, config.project, process);
  const [size, scaling] = [sizeOf(config), scalingOf(config)];
  const named = { projectId, environmentSlug };
  if (size !== undefined || config.reset) {
    await client.setSize(
      { ...named, reset: config.reset, ...(size === undefined ? {} : { size }) },
      { signal },
    );
  }
  const sleepSeconds = sleepSecondsOf(config.sleepAfterMs);
  if (scaling !== undefined || sleepSeconds !== 0 || config.reset || config.fixed) {
    const reset = config.reset || config.fixed ? ["scaling"] : [];
    const given = {
      ...(sleepSeconds === 0 ? {} : { sleepSeconds }),
      ...(scaling === undefined ? {} : { scaling }),
    };
    const settings = Object.keys(given).length === 0 ? {} : { settings: given };
    await client.setAppSettings({ ...named, reset, ...settings }, { signal });
  }
  const shown = await client.getAppSettings(named, { signal });
  // A control plane of the former release does not know the name.
  if (!config.reset || sleepSeconds !== 0 || (shown.settings?.sleepSeconds ?? 0) === 0) {
    return { project, ...shown };
  }
  await client.setAppSettings({ ...named, reset: ["sleepAfter"] }, { signal });
  return { project, ...await client.getAppSettings(named, { signal }) };
}
