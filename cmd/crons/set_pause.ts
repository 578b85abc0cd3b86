/** The parts that `unkey crons pause` and `unkey crons resume` share. */
import type { Process } from "../../pkg/cli/mod.ts";
import type { ConfigOf } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { type Cron, CronService } from "../../proto/gen/ctrl/v1/cron_pb.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { cronJson, nextText } from "../shared/cron_view.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { ENVIRONMENT_FIELD, PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";

export const CRON_FIELDS = {
  ...CONNECT_FIELDS,
  project: PROJECT_FIELD,
  environment: { ...ENVIRONMENT_FIELD, help: "The environment whose cron it is." },
  json: JSON_FIELD,
};

export const CRON_WORD = { name: "name", help: "The name of a cron.", required: true } as const;

/** Pauses or resumes, and prints the cron. */
export async function setPause(
  config: ConfigOf<typeof CRON_FIELDS>,
  process: Process,
  { name, pause }: { readonly name: string; readonly pause: boolean },
): Promise<void> {
  const connection = await connect(config, process);
  await calling(connection, async () => {
    const client = createRpcClient(CronService, connection);
    const project = await projectOf(connection, config.project, process);
    const request = { projectId: project.id, environmentSlug: config.environment, name };
    const { cron } = pause
      ? await client.pauseCron(request, { signal: process.signal })
      : await client.resumeCron(request, { signal: process.signal });
    print(existing(cron), config.json, process);
  });
}

function print(cron: Cron, json: boolean, { stdout, stderr }: Process): void {
  if (json) return stdout(jsonLine(cronJson(cron)));
  const place = `cron ${cron.name} of ${cron.projectSlug} (${cron.environmentSlug})`;
  stderr(cron.pausedAt === 0n ? `${place} runs next at ${nextText(cron)}\n` : `${place} is paused\n`);
}

function existing(cron: Cron | undefined): Cron {
  if (cron === undefined) throw publicFault("internal", "The control plane answered without the cron.");
  return cron;
}
