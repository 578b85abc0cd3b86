import { publicFault } from "../../pkg/fault/mod.ts";
import type { CreateRootKeyRequest } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { type FakeControlPlane, NOW, SHOP, startControlPlane } from "../shared/testing.ts";

export interface KeysPlane extends AsyncDisposable {
  readonly api: FakeControlPlane;
  readonly created: readonly CreateRootKeyRequest[];
}

export async function controlPlane(): Promise<KeysPlane> {
  const created: CreateRootKeyRequest[] = [];
  const api = await startControlPlane({
    admin: {
      listProjects: () => ({ projects: [SHOP] }),
      createRootKey: (request) => {
        created.push(request);
        return { keyId: "key_2", key: "unkey_new" };
      },
      listRootKeys: ({ workspaceId }) => ({
        keys: [{
          id: `key_of_${workspaceId || "caller"}`,
          name: "ci",
          start: "unkey_abcd",
          permissions: ["project.*.read_logs", "workspace.read_status"],
          createdAt: BigInt(NOW - 120_000),
        }],
      }),
      revokeRootKey({ keyId }) {
        if (keyId !== "key_2") throw publicFault("not_found", `Root key "${keyId}" was not found.`);
        return {};
      },
    },
  });
  return { api, created, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}
