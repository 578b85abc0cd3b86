/** `unkey openapi diff`: the changes of an API from one deployment to another. */
import { defineCommand, EXIT, type ExitCode, type Process } from "../../pkg/cli/mod.ts";
import { field, parsedSchema } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import {
  type ChangelogEntry,
  type GetOpenApiDiffResponse,
  OpenApiService,
} from "../../proto/gen/ctrl/v1/openapi_pb.ts";
import { calling, connect, CONNECT_FIELDS, type Connection } from "../shared/connect.ts";
import { DEPLOYMENT_WORD, findDeployment } from "../shared/find_deployment.ts";
import { JSON_FIELD, jsonLine, oneLine, table } from "../shared/output.ts";
import { ENVIRONMENT_FILTER_FIELD } from "../shared/project_fields.ts";

const LEVELS = ["info", "warning", "breaking"] as const;
type LevelName = typeof LEVELS[number];

/** The names of levels by their number, which begins at 1. */
function levelOf({ level }: ChangelogEntry): LevelName {
  return LEVELS[level - 1] ?? "info";
}

const FAIL_ON = ["breaking", "warning", "never"] as const;

/** `unkey openapi diff [<former>] <deployment>` */
export const command = defineCommand({
  outcome: "output",
  fields: {
    ...CONNECT_FIELDS,
    environment: ENVIRONMENT_FILTER_FIELD,
    failOn: field({
      flag: "fail-on",
      env: "UNKEY_OPENAPI_FAIL_ON",
      placeholder: "<level>",
      help: "Exit with 1 for a change of this level or above: breaking, warning. Default: never.",
      schema: parsedSchema(
        (text) => FAIL_ON.find((each) => each === text),
        `must be one of ${FAIL_ON.join(", ")}`,
      ),
    }),
    json: JSON_FIELD,
  },
  positionals: [
    { name: "deployment", help: `${DEPLOYMENT_WORD} With two, the former one.`, required: true },
    { name: "current", help: "The deployment that is compared with the former one.", required: false },
  ],
  notes:
    `With one deployment, it is compared with the live one of its environment. Documents are read from the running app
once it is ready, at the path that "openapiPath" in unkey.json names.`,
  async run({ config, positionals: [first = "", second] }, process) {
    const connection = await connect(config, process);
    const pair = await calling(
      connection,
      () => pairOf(connection, config.environment, [first, second], process),
    );
    const client = createRpcClient(OpenApiService, connection);
    const diff = await calling(connection, () => client.getOpenApiDiff(pair, { signal: process.signal }));
    process.stdout(config.json ? jsonLine(diffJson(pair, diff)) : diffText(diff));
    return exitOf(config.failOn ?? "never", diff);
  },
});

interface Pair {
  readonly oldDeploymentId: string;
  readonly newDeploymentId: string;
}

async function pairOf(
  connection: Connection,
  environment: string | undefined,
  [first, second]: readonly [string, string | undefined],
  { signal }: Process,
): Promise<Pair> {
  const found = await findDeployment(connection, { word: first, environment }, signal);
  if (second !== undefined) {
    const { id } = await findDeployment(connection, { word: second, environment }, signal);
    return { oldDeploymentId: found.id, newDeploymentId: id };
  }
  const { id, environmentLiveDeploymentId: live, environmentSlug } = found;
  if (live !== "" && live !== id) return { oldDeploymentId: live, newDeploymentId: id };
  throw publicFault(
    "failed_precondition",
    live === ""
      ? `Nothing is live in "${environmentSlug}": name the former deployment, then ${id}.`
      : `${id} is the live deployment of "${environmentSlug}": name the one to compare it with before it.`,
  );
}

function exitOf(failOn: typeof FAIL_ON[number], { changes }: GetOpenApiDiffResponse): ExitCode {
  if (failOn === "never") return EXIT.ok;
  const least = LEVELS.indexOf(failOn) + 1;
  return changes.some(({ level }) => level >= least) ? EXIT.failed : EXIT.ok;
}

const NONE = { added: 0, deleted: 0, modified: 0 };

function diffJson(pair: Pair, { summary, hasBreakingChanges, changes }: GetOpenApiDiffResponse) {
  const { endpoints = NONE, paths = NONE, schemas = NONE } = summary?.details ?? {};
  const counts = ({ added, deleted, modified }: typeof NONE) => ({ added, deleted, modified });
  return {
    former: pair.oldDeploymentId,
    current: pair.newDeploymentId,
    differs: summary?.diff ?? false,
    breaking: hasBreakingChanges,
    endpoints: counts(endpoints),
    paths: counts(paths),
    schemas: counts(schemas),
    changes: changes.map((change) => ({
      level: levelOf(change),
      id: change.id,
      operation: change.operation,
      path: change.path,
      ...(change.operationId === undefined ? {} : { operationId: change.operationId }),
      text: change.text,
    })),
  };
}

function diffText({ summary, changes }: GetOpenApiDiffResponse): string {
  if (changes.length === 0) {
    return summary?.diff === true ? "no changes for clients\n" : "the documents are the same\n";
  }
  const rows = changes.map((change) => [
    levelOf(change),
    change.operation,
    oneLine(change.path),
    oneLine(change.text),
  ]);
  const count = (level: LevelName): number => changes.filter((each) => levelOf(each) === level).length;
  const total = changes.length === 1 ? "1 change" : `${changes.length} changes`;
  return `${table(["LEVEL", "METHOD", "PATH", "CHANGE"], rows)}\n${total}: ${count("breaking")} breaking, ` +
    `${count("warning")} that may break some clients, ${count("info")} for information\n`;
}
