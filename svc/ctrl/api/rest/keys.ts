/** The routes of root keys. */
import { z } from "zod";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { decodeStrings } from "../../internal/json.ts";
import { createRootKey, listRootKeys, revokeRootKey } from "../../services/admin/keys.ts";
import { requireOwnWorkspace } from "../../services/admin/workspaces.ts";
import { CREATED_AT } from "./examples.ts";
import { answer, created, defineRoute, ok } from "./route.ts";
import { createRootKeyBody, nothingBody, revokeRootKeyBody } from "./schemas.ts";
import { nothing, time } from "./shapes.ts";

const KEY = "key_5fLqcHJ2t9xKs7dR";
const PERMISSIONS = ["project.*.create_deployment", "project.*.read_deployment"];

export const createRootKeyRoute = defineRoute({
  name: "createRootKey",
  tag: "Keys",
  summary: "Creates a root key with permissions that the caller has itself.",
  rpc: AdminService.method.createRootKey,
  body: createRootKeyBody,
  example: { name: "ci", permissions: PERMISSIONS },
  answers: {
    201: answer(
      "The key is shown this once: the platform keeps only its hash.",
      z.object({ keyId: z.string(), key: z.string() }),
      { keyId: KEY, key: "unkey_…" },
    ),
  },
  problems: [],
  async run({ deps: { admin: deps }, caller, body: { name = "", permissions } }) {
    const { id, key } = await createRootKey(deps, caller, { workspaceId: "", name, permissions });
    return created({ keyId: id, key });
  },
});

export const listRootKeysRoute = defineRoute({
  name: "listRootKeys",
  tag: "Keys",
  summary: "Lists the workspace's keys that are not revoked, oldest first.",
  rpc: AdminService.method.listRootKeys,
  body: nothingBody,
  example: {},
  answers: {
    200: answer(
      "All of them. `start` is the beginning of the key.",
      z.object({
        keys: z.array(z.object({
          id: z.string(),
          name: z.string(),
          start: z.string(),
          permissions: z.array(z.string()),
          createdAt: time,
        })),
      }),
      {
        keys: [{ id: KEY, name: "ci", start: "unkey_3ZpQ", permissions: PERMISSIONS, createdAt: CREATED_AT }],
      },
    ),
  },
  problems: [],
  async run({ deps: { admin: deps }, caller }) {
    const rows = await listRootKeys(deps, caller, "");
    const keys = rows.map(({ id, name, start, permissions, created_at }) => ({
      id,
      name,
      start,
      permissions: [...decodeStrings(permissions)],
      createdAt: created_at,
    }));
    return ok({ keys });
  },
});

export const revokeRootKeyRoute = defineRoute({
  name: "revokeRootKey",
  tag: "Keys",
  summary: "Revokes a root key. It stops working within seconds, and so do its streams.",
  rpc: AdminService.method.revokeRootKey,
  body: revokeRootKeyBody,
  example: { keyId: KEY },
  answers: { 200: answer("It is revoked.", nothing, {}) },
  problems: [404, 412],
  async run({ deps: { admin: deps }, caller, body: { keyId } }) {
    await revokeRootKey(deps, caller, { workspaceId: "", keyId });
    return ok({});
  },
});

export const whoAmIRoute = defineRoute({
  name: "whoAmI",
  tag: "Keys",
  summary: "Shows the workspace of the presented key, and what the key may do.",
  rpc: AdminService.method.whoAmI,
  body: nothingBody,
  example: {},
  answers: {
    200: answer(
      "The key and its workspace.",
      z.object({
        workspaceId: z.string(),
        workspaceSlug: z.string(),
        keyId: z.string(),
        permissions: z.array(z.string()),
      }),
      { workspaceId: "ws_5fLqcHJ2t9xKs7dR", workspaceSlug: "acme", keyId: KEY, permissions: PERMISSIONS },
    ),
  },
  problems: [],
  async run({ deps: { admin: deps }, caller }) {
    const { workspaceId, keyId, permissions } = caller;
    const { slug: workspaceSlug } = await requireOwnWorkspace(deps, caller);
    return ok({ workspaceId, workspaceSlug, keyId, permissions: [...permissions] });
  },
});
