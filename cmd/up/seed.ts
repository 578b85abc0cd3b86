import type { Client } from "@connectrpc/connect";
import { Secret } from "../../pkg/config/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { createRpcClient, fromConnectError } from "../../pkg/rpc/mod.ts";
import { newDnsName } from "../../pkg/uid/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import type { State } from "./data_folder.ts";

/** The region of this machine. */
export const REGION = "local";
const EDGE = "*";
const WORKSPACE = "local";
const RPC_MS = 10_000;

/** State in which everything that the parts and the user log in with is there. */
export type SeededState =
  & State
  & Required<Pick<State, "workspaceId" | "rootKey" | "regionToken" | "edgeToken">>;

/**
 * Makes what the platform needs to be used: a workspace with a root key, the tokens of agent and edge, and the project.
 * Whatever an earlier start has made is kept; `save` is called after each thing, so that a crash loses one at most.
 */
export async function seed(
  state: State,
  options: {
    readonly apiUrl: string;
    readonly project: string;
    readonly signal: AbortSignal;
    readonly save: (state: State) => Promise<void>;
  },
): Promise<SeededState> {
  const { signal, save } = options;
  const token = new Secret(state.serviceToken);
  const admin = createRpcClient(AdminService, { baseUrl: options.apiUrl, token, timeoutMs: RPC_MS });

  const workspaceId = state.workspaceId ?? await createWorkspace(admin, signal);
  if (state.workspaceId === undefined) await save({ ...state, workspaceId });

  const rootKey = state.rootKey ??
    (await call(admin.createRootKey({ workspaceId, name: "unkey up", permissions: ["*"] }, { signal }))).key;
  const regionToken = state.regionToken ??
    (await call(admin.createRegionToken({ region: REGION }, { signal }))).token;
  const edgeToken = state.edgeToken ??
    (await call(admin.createRegionToken({ region: EDGE }, { signal }))).token;
  const seeded = { ...state, workspaceId, rootKey, regionToken, edgeToken };
  await save(seeded);

  await createProject(admin, workspaceId, options.project, signal);
  return seeded;
}

async function createWorkspace(admin: Client<typeof AdminService>, signal: AbortSignal): Promise<string> {
  try {
    return (await call(admin.createWorkspace({ slug: WORKSPACE, name: WORKSPACE }, { signal }))).workspaceId;
  } catch (error) {
    if (!isFault(error, "already_exists")) throw error;
    // A start that was killed right after this call left a workspace whose id nobody knows. It is empty: take another.
    const slug = `${WORKSPACE}-${newDnsName(4)}`;
    return (await call(admin.createWorkspace({ slug, name: slug }, { signal }))).workspaceId;
  }
}

async function createProject(
  admin: Client<typeof AdminService>,
  workspaceId: string,
  slug: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await call(admin.createProject({ workspaceId, slug, name: slug }, { signal }));
  } catch (error) {
    if (!isFault(error, "already_exists")) throw error; // an earlier start made it
  }
}

async function call<T>(work: Promise<T>): Promise<T> {
  return await work.catch((error: unknown) => Promise.reject(fromConnectError(error)));
}
