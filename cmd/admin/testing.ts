import { publicFault } from "../../pkg/fault/mod.ts";
import { NOW, ROOT_KEY, type RunResult, startControlPlane, unkey } from "../shared/testing.ts";

export const DAY_MS = 86_400_000;
/** The fake takes one bearer token, of whatever kind. */
export const TOKEN = ROOT_KEY;

export interface AdminPlane extends AsyncDisposable {
  readonly run: (...args: readonly string[]) => Promise<RunResult>;
  readonly revoked: readonly string[];
  /** Regions of new tokens, each with its networks. */
  readonly created: readonly (readonly string[])[];
}

/** With `keyFails`, a workspace is created and its root key is not. */
export async function controlPlane(keyFails = false): Promise<AdminPlane> {
  const revoked: string[] = [];
  const created: string[][] = [];
  const api = await startControlPlane({
    admin: {
      createWorkspace: ({ slug }) => ({ workspaceId: `ws_${slug}` }),
      createRootKey() {
        if (keyFails) throw publicFault("unavailable", "The database does not answer.");
        return { keyId: "key_1", key: "unkey_first" };
      },
      listWorkspaces: ({ pageToken }) =>
        pageToken === ""
          ? { workspaces: [{ id: "ws_2", slug: "globex", name: "Globex" }], nextPageToken: "second" }
          : { workspaces: [{ id: "ws_1", slug: "acme", createdAt: BigInt(NOW - DAY_MS) }] },
      createRegionToken({ region, networks }) {
        created.push([region, ...networks]);
        return { tokenId: "rt_1", token: "region_secret" };
      },
      listRegionTokens: () => ({
        tokens: [
          { id: "rt_2", region: "*", createdAt: BigInt(NOW - 60_000) },
          {
            id: "rt_1",
            region: "eu-1",
            createdAt: BigInt(NOW - DAY_MS),
            networks: ["10.0.0.0/8", "fd00::/8"],
          },
          { id: "rt_0", region: "eu-1", createdAt: BigInt(NOW - DAY_MS) },
        ],
      }),
      revokeRegionToken({ tokenId }) {
        revoked.push(tokenId);
        return {};
      },
    },
  });
  const run = (...args: readonly string[]) =>
    unkey(["admin", ...args], { env: { UNKEY_API_BASE_URL: api.url, UNKEY_AUTH_TOKEN: TOKEN } });
  return { run, revoked, created, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}
