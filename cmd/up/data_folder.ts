import { Buffer } from "node:buffer";
import { join } from "node:path";
import { z } from "zod";
import { Fault, publicFault } from "../../pkg/fault/mod.ts";
import { keepPrivate, writeWhole } from "../../pkg/files/mod.ts";
import { newDnsName, newSecretToken } from "../../pkg/uid/mod.ts";

/** Where everything is that outlives one run. */
export interface DataFolder {
  readonly root: string;
  readonly state: string;
  readonly lock: string;
  readonly database: string;
  readonly objects: string;
  readonly restate: string;
  readonly krane: string;
  /** The settings of an edge that is a process of its own. */
  readonly edgeSettings: string;
  /** The authority of names below `localhost`, and its key. */
  readonly authority: string;
  readonly authorityKey: string;
  readonly log: string;
  readonly restateLog: string;
}

const State = z.object({
  /** Tells the containers of this folder's platform from those of another one. */
  id: z.string(),
  /** Ports that no user types, kept because Restate and routes remember them. */
  ports: z.object({
    worker: z.number(),
    workerHealth: z.number(),
    krane: z.number(),
  }),
  serviceToken: z.string(),
  vaultMasterKey: z.string(),
  objectSigningKey: z.string(),
  regionToken: z.string().optional(),
  /** Those that the token was made with; absent: none, by an older version. */
  regionNetworks: z.array(z.string()).optional(),
  edgeToken: z.string().optional(),
  /** The api for other commands of this machine, and for other machines. */
  apiUrl: z.string().optional(),
  publicApiUrl: z.string().optional(),
  workspaceId: z.string().optional(),
  rootKey: z.string().optional(),
});

/** Names, ports and secrets that are made once and kept, in a file that only its owner can read. */
export type State = z.infer<typeof State>;

/** The paths below `root`, which is absolute. */
export function dataFolder(root: string): DataFolder {
  return {
    root,
    state: join(root, "state.json"),
    lock: join(root, "up.lock"),
    database: join(root, "unkey.db"),
    objects: join(root, "objects"),
    restate: join(root, "restate"),
    krane: join(root, "krane"),
    edgeSettings: join(root, "edge.env"),
    authority: join(root, "authority.pem"),
    authorityKey: join(root, "authority.key"),
    log: join(root, "logs", "unkey.log"),
    restateLog: join(root, "logs", "restate.log"),
  };
}

/**
 * Makes the folder unless it is there, and takes from other users the rights on it and on all in it, whatever made it.
 *
 * @throws `failed_precondition` when it cannot be made or written to
 */
export async function makeDataFolder(folder: DataFolder): Promise<void> {
  try {
    await Deno.mkdir(join(folder.root, "logs"), { recursive: true, mode: 0o700 });
    await Deno.mkdir(folder.krane, { recursive: true, mode: 0o700 });
    await keepPrivate(folder.root);
  } catch (error) {
    const text = `The data folder ${folder.root} cannot be used. Choose another with --data-dir.`;
    throw new Fault("failed_precondition", text, { publicMessage: text, cause: error });
  }
}

/**
 * The kept state, or `undefined` at the first start.
 *
 * @throws `failed_precondition` for a file that is not ours: secrets are never made a second time over existing data
 */
export async function readState(folder: DataFolder): Promise<State | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(folder.state);
  } catch (error) {
    const isNew = error instanceof Deno.errors.NotFound && !(await exists(folder.database));
    if (isNew) return undefined;
    throw unusable(folder);
  }
  try {
    return State.parse(JSON.parse(text));
  } catch {
    throw unusable(folder); // the parser's message could quote a secret
  }
}

const MASTER_KEY_BYTES = 32;

/** The state of a first start: fresh secrets. */
export function newState(ports: State["ports"]): State {
  const masterKey = crypto.getRandomValues(new Uint8Array(MASTER_KEY_BYTES));
  return {
    id: newDnsName(8),
    ports,
    serviceToken: newSecretToken("service"),
    vaultMasterKey: Buffer.from(masterKey).toString("base64"),
    objectSigningKey: newSecretToken("objects"),
  };
}

/** Keeps the state, which holds the only copy of the secrets: on disk when this resolves, and for its owner only. */
export async function writeState(folder: DataFolder, state: State): Promise<void> {
  await writePrivately(folder.state, `${JSON.stringify(state, undefined, 2)}\n`);
}

/** Writes a file whole or not at all; only its owner can read it. */
export async function writePrivately(path: string, text: string): Promise<void> {
  try {
    await writeWhole(path, text);
  } catch (error) {
    const problem = `${path} cannot be written. Check the disk and the folder's owner.`;
    throw new Fault("failed_precondition", problem, { publicMessage: problem, cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

function unusable(folder: DataFolder): Fault {
  return publicFault(
    "failed_precondition",
    `${folder.state} cannot be read, and it holds the secrets of the data beside it. ` +
      `Restore it, or remove ${folder.root} to begin anew, or choose another folder with --data-dir.`,
  );
}
