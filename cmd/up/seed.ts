import type { Client } from "@connectrpc/connect";
import { Secret } from "../../pkg/config/mod.ts";
import { Fault, isFault } from "../../pkg/fault/mod.ts";
import { createRpcClient, fromConnectError } from "../../pkg/rpc/mod.ts";
import { newDnsName } from "../../pkg/uid/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import type { State } from "./data_folder.ts";

/** The region of this machine. */
export const REGION = "local";
/** Where its instances are: in the agent's own network, or, with an engine that is elsewhere, at ports of this machine. */
const NETWORKS = ["10.128.0.0/10", "127.0.0.0/8"];
const EDGE = "*";
const WORKSPACE = "local";
const RPC_MS = 10_000;

type Admin = Client<typeof AdminService>;

/** State in which everything that the parts and the user log in with is there. */
export interface SeededState extends State {
  readonly workspaceId: string;
  readonly rootKey: string;
  readonly regionToken: string;
  readonly edgeToken: string;
}

export interface Seeded {
  readonly state: SeededState;
  readonly workspaceSlug: string;
}

export interface SeedOptions {
  readonly apiUrl: string;
  readonly project: string;
  readonly signal: AbortSignal;
  readonly save: (state: State) => Promise<void>;
}

/**
 * Makes a workspace with a root key, the tokens of agent and edge, and the project, so that the platform can be used.
 * Whatever an earlier start has made is kept; it is saved after each thing, so that a crash loses one at most.
 */
export async function seed(state: State, options: SeedOptions): Promise<Seeded> {
  const { signal, save } = options;
  const admin = adminClient(options.apiUrl, state.serviceToken);
  const workspaceId = state.workspaceId ?? await createWorkspace(admin, signal);
  if (state.workspaceId === undefined) await save({ ...state, workspaceId });

  const known = state.rootKey === undefined ? undefined : await whoIs(options, state.rootKey);
  const rootKey = known === undefined ? await createRootKey(admin, workspaceId, signal) : known.rootKey;
  const isOld = state.regionNetworks?.join() !== NETWORKS.join();
  const region = state.regionToken === undefined || isOld
    ? await createToken(admin, { region: REGION, networks: NETWORKS }, signal)
    : state.regionToken;
  const edgeToken = state.edgeToken ?? await createToken(admin, { region: EDGE }, signal);
  const tokens = { regionToken: region, regionNetworks: NETWORKS, edgeToken };
  const seeded = { ...state, workspaceId, rootKey, ...tokens };
  await save(seeded);

  await createProject(admin, workspaceId, options.project, signal);
  const login = known ?? await whoIs(options, rootKey);
  if (login === undefined) throw new Fault("internal", "a new root key is refused");
  return { state: seeded, workspaceSlug: login.workspaceSlug };
}

/** The workspace of a root key, or `undefined` when the key was revoked. */
async function whoIs(
  { apiUrl, signal }: SeedOptions,
  rootKey: string,
): Promise<{ readonly rootKey: string; readonly workspaceSlug: string } | undefined> {
  try {
    const { workspaceSlug } = await call(adminClient(apiUrl, rootKey).whoAmI({}, { signal }));
    return { rootKey, workspaceSlug };
  } catch (error) {
    if (isFault(error, "unauthenticated")) return undefined;
    throw error;
  }
}

async function createRootKey(admin: Admin, workspaceId: string, signal: AbortSignal): Promise<string> {
  const request = { workspaceId, name: "unkey up", permissions: ["*"] };
  return (await call(admin.createRootKey(request, { signal }))).key;
}

async function createToken(
  admin: Admin,
  token: { readonly region: string; readonly networks?: string[] },
  signal: AbortSignal,
): Promise<string> {
  return (await call(admin.createRegionToken(token, { signal }))).token;
}

async function createWorkspace(admin: Admin, signal: AbortSignal): Promise<string> {
  try {
    return (await call(admin.createWorkspace({ slug: WORKSPACE, name: WORKSPACE }, { signal }))).workspaceId;
  } catch (error) {
    if (!isFault(error, "already_exists")) throw error;
    // A start that was killed right after this call left a workspace whose id is lost. It is empty: take another.
    const slug = `${WORKSPACE}-${newDnsName(4)}`;
    return (await call(admin.createWorkspace({ slug, name: slug }, { signal }))).workspaceId;
  }
}

async function createProject(
  admin: Admin,
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

function adminClient(baseUrl: string, token: string): Admin {
  return createRpcClient(AdminService, { baseUrl, token: new Secret(token), timeoutMs: RPC_MS });
}

async function call<T>(work: Promise<T>): Promise<T> {
  return await work.catch((error: unknown) => Promise.reject(fromConnectError(error)));
}
