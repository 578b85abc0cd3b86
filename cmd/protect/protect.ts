/** `unkey protect`: a password for visitors. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { defineCommand, type Process, UsageError } from "../../pkg/cli/mod.ts";
import { type ConfigOf, switchField } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import {
  EnvironmentService,
  type SetProtectionRequestSchema,
} from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { JSON_FIELD, jsonLine, table } from "../shared/output.ts";
import { readPassword } from "../shared/password.ts";
import { PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";
import { protectionJson, protectionText } from "../shared/protection_view.ts";

const FIELDS = {
  ...CONNECT_FIELDS,
  project: PROJECT_FIELD,
  passwordStdin: switchField({
    flag: "password-stdin",
    env: "UNKEY_PROTECT_PASSWORD_STDIN",
    help: "Read the password from standard input. Without it one is made, and shown this once.",
  }),
  off: switchField({
    flag: "off",
    env: "UNKEY_PROTECT_OFF",
    help: "Let everybody see it again.",
  }),
  json: JSON_FIELD,
};

export const command = defineCommand({
  outcome: "secret",
  fields: FIELDS,
  positionals: [{
    name: "environment",
    help: "Its slug. Without it: all environments but production, those to come among them.",
    required: false,
  }],
  notes:
    `Visitors see a page that asks for the password, or come by a link of "unkey share". Programs send the password with
HTTP Basic, with any user name. The edges hold back every request without a proof, WebSockets and preflights of CORS
among them, and the app sees neither password nor cookie.

A new password ends the links and the cookies of the former one. An environment with a password of its own keeps it when
all previews get one. --off without an environment opens all previews, whatever password they had.

  unkey protect
  printf %s "$PASSWORD" | unkey protect staging --password-stdin
  unkey protect --off`,
  file: (_words, process) => projectFile(process),
  async run({ config, positionals: [environmentSlug = ""] }, process) {
    const change = await changeOf(config, process);
    const connection = await connect(config, process);
    const client = createRpcClient(EnvironmentService, connection);
    const { signal } = process;
    const { project, password, environments } = await calling(connection, async () => {
      const { id: projectId, slug } = await projectOf(connection, config.project, process);
      return {
        project: slug,
        ...await client.setProtection({ projectId, environmentSlug, change }, { signal }),
      };
    });
    if (config.json) {
      return process.stdout(jsonLine({
        project,
        environments: environments.map(({ environmentSlug: slug, protection }) => {
          const shown = protectionJson(protection);
          return { slug, ...(shown === undefined ? {} : { protection: shown }) };
        }),
        ...(password === "" ? {} : { password }),
      }));
    }
    process.stderr(table(
      ["ENVIRONMENT", "PROTECTED BY"],
      environments.map((each) => [each.environmentSlug, protectionText(each.protection)]),
    ));
    if (password === "") return;
    process.stderr("\nThe password is shown this once:\n");
    process.stdout(`${password}\n`);
  },
});

/** @throws `UsageError` for an end with a password */
async function changeOf(
  { off, passwordStdin }: ConfigOf<typeof FIELDS>,
  process: Process,
): Promise<NonNullable<MessageInitShape<typeof SetProtectionRequestSchema>["change"]>> {
  if (off && passwordStdin) throw new UsageError("--off and --password-stdin exclude each other.");
  if (off) return { case: "off", value: true };
  if (!passwordStdin) return { case: "generate", value: true };
  return { case: "password", value: await readPassword(process) };
}
