/** `unkey registries add` */
import { defineCommand, type Process, UsageError } from "../../pkg/cli/mod.ts";
import { field, requiredTextSchema, switchField } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling } from "../shared/connect.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { readPassword } from "../shared/password.ts";
import { connectToWorkspace, WORKSPACE_FIELDS } from "../shared/workspace_fields.ts";

export const command = defineCommand({
  fields: {
    ...WORKSPACE_FIELDS,
    username: field({
      flag: "username",
      env: "UNKEY_REGISTRIES_USERNAME",
      placeholder: "<name>",
      help: "User of the registry.",
      schema: requiredTextSchema(),
    }),
    passwordStdin: switchField({
      flag: "password-stdin",
      env: "UNKEY_REGISTRIES_PASSWORD_STDIN",
      help: "Read the password or access token from standard input. Without it you are asked.",
    }),
    json: JSON_FIELD,
  },
  positionals: [{
    name: "host",
    help: "The registry, like ghcr.io or registry.example.com:5000; docker.io is Docker Hub.",
    required: true,
  }],
  notes:
    `Builds of the workspace log in to the registry with it, for base images that are private. What there was for the
same host is replaced. The password is stored encrypted and is never shown again.

  unkey registries add docker.io --username acme
  printf %s "$TOKEN" | unkey registries add ghcr.io --username acme --password-stdin
  unkey registries add europe-docker.pkg.dev --username _json_key --password-stdin < key.json`,
  async run({ config, positionals: [given = ""] }, process) {
    const { connection, workspaceId } = await connectToWorkspace(config, process);
    const { username } = config;
    const secret = config.passwordStdin ? await readPassword(process) : await askFor(given, process);
    const admin = createRpcClient(AdminService, connection);
    const request = { workspaceId, host: given, username, secret };
    const { registry, replaced } = await calling(
      connection,
      () => admin.addRegistry(request, { signal: process.signal }),
    );
    const host = registry?.host ?? given;
    if (config.json) return process.stdout(jsonLine({ host, username, replaced }));
    process.stderr(`${replaced ? "replaced the credentials for" : "added"} ${host}, as ${username}\n`);
  },
});

async function askFor(host: string, { prompts }: Process): Promise<string> {
  if (prompts === undefined) {
    throw new UsageError("There is no terminal to ask for the password: give it with --password-stdin.");
  }
  const password = await prompts.password({ message: `Password or access token for ${host}` });
  if (password === undefined) throw publicFault("cancelled", "Nothing was added.");
  if (password !== "") return password;
  throw new UsageError("The password was empty: nothing was added.");
}
