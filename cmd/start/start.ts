/** `unkey start`: a stopped deployment runs again. */
import { defineCommand, EXIT } from "../../pkg/cli/mod.ts";
import { DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { statusName } from "../shared/deployment_view.ts";
import { DEPLOYMENT_WORD, findDeployment } from "../shared/find_deployment.ts";
import {
  exitNotes,
  operate,
  OPERATION_EXITS,
  OPERATION_TIMEOUT_FIELD,
  operationClient,
  printDone,
  QUIET_FIELD,
  seconds,
} from "../shared/operation.ts";
import { tellingWaits } from "../shared/tell_waits.ts";
import { withinTime } from "../shared/time_limit.ts";
import { JSON_FIELD } from "../shared/output.ts";
import { ENVIRONMENT_FILTER_FIELD } from "../shared/project_fields.ts";

/** `unkey start <deployment>` */
export const command = defineCommand({
  exitCodes: OPERATION_EXITS,
  fields: {
    ...CONNECT_FIELDS,
    environment: ENVIRONMENT_FILTER_FIELD,
    timeoutMs: OPERATION_TIMEOUT_FIELD,
    quiet: QUIET_FIELD,
    json: JSON_FIELD,
  },
  positionals: [{ name: "deployment", help: DEPLOYMENT_WORD, required: true }],
  notes:
    `No traffic moves: it answers at its own host name. Like every deployment that serves nothing, it is stopped again
some time after another one has gone live.

${exitNotes(OPERATION_EXITS)}`,
  async run({ config, positionals: [word = ""] }, process) {
    const { clock, signal, stderr } = process;
    const connection = await connect(config, process);
    return await operate({ process, connection, json: config.json }, async () => {
      const found = await findDeployment(connection, { word, environment: config.environment }, signal);
      const { id } = found;
      if (!config.json && !config.quiet && found.status === DeploymentStatus.STOPPED) {
        stderr(`Starting ${id}.\n`);
      }
      const { status, urls, tookMs } = await withinTime(
        { clock, signal, limitMs: config.timeoutMs },
        (signal) =>
          tellingWaits(
            { ...config, process, connection, id },
            signal,
            (signal) => operationClient(connection).startDeployment({ deploymentId: id }, { signal }),
          ),
      );
      const [url = ""] = urls;
      const took = Number(tookMs);
      printDone(config, process, {
        json: { id, status: statusName(status), urls, tookMs: took },
        text: `${id} runs (${seconds(took)})${url === "" ? "" : `: ${url}`}\n`,
        id,
        urls: urls.slice(0, 1),
      });
      return EXIT.ok;
    });
  },
});
