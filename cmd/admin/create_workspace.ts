/** `unkey admin workspaces create` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { field, textSchema } from "../../pkg/config/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling } from "../shared/connect.ts";
import { connectAsOperator, OPERATOR_FIELDS } from "../shared/operator.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";

const KEY_NAME = "first key";

export const command = defineCommand({
  outcome: "secret",
  fields: {
    ...OPERATOR_FIELDS,
    name: field({
      flag: "name",
      env: "UNKEY_WORKSPACE_NAME",
      placeholder: "<text>",
      help: "What people call it. Default: the slug.",
      schema: textSchema(""),
    }),
    json: JSON_FIELD,
  },
  positionals: [{
    name: "slug",
    help: "Its short name, which becomes part of host names: lower-case letters, digits and hyphens.",
    required: true,
  }],
  notes:
    `Prints a root key that may do everything in the workspace, once. Hand it to whom the workspace belongs to:
"unkey login" stores it, "unkey keys create" makes narrower ones with it.`,
  async run({ config, positionals: [slug = ""] }, process) {
    const { signal, stdout, stderr } = process;
    const connection = await connectAsOperator(config, process);
    const admin = createRpcClient(AdminService, connection);
    const name = config.name;
    const { workspaceId } = await calling(connection, () => admin.createWorkspace({ slug, name }, { signal }))
      .catch((error: unknown) => {
        // The workspace may be there, made by a call whose answer was lost.
        if (isFault(error, "already_exists", "unavailable", "deadline_exceeded")) {
          stderr(`If ${slug} is a workspace without a key, ${makesKey(slug)} makes one.\n`);
        }
        throw error;
      });
    stderr(`created the workspace ${slug} (${workspaceId})\n`);
    const request = { workspaceId, name: KEY_NAME, permissions: ["*"] };
    const { keyId, key } = await calling(connection, () => admin.createRootKey(request, { signal })).catch(
      (error: unknown) => {
        stderr(`It has no root key yet: ${makesKey(slug)} makes one.\n`);
        throw error;
      },
    );
    if (config.json) return stdout(jsonLine({ workspaceId, slug, keyId, key }));
    stderr(`The root key ${keyId} is shown this once:\n`);
    stdout(`${key}\n`);
  },
});

function makesKey(slug: string): string {
  return `"unkey keys create ${slug} --workspace ${slug} --permissions all"`;
}
