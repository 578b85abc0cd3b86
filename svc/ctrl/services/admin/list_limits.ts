import type { RootKeyPrincipal, ServicePrincipal } from "../../internal/auth/principal.ts";
import { LIMIT_NAMES, type LimitName, LIMITS, type StoredLimit, usageOf } from "../../internal/limits/mod.ts";
import { listWorkspaceLimits, sumPacks, sumUploads } from "../../internal/store/mod.ts";
import type { AdminDeps } from "./deps.ts";
import { workspaceFor } from "./workspaces.ts";

type LimitDeps = Pick<AdminDeps, "db" | "clock" | "streams" | "uploads">;

/** A limit of a workspace. */
export interface ShownLimit {
  readonly name: LimitName;
  /** `undefined`: a setting of the worker, which the api does not know. */
  readonly value: number | undefined;
  /** `undefined`: not counted here. */
  readonly used: number | undefined;
  readonly isSet: boolean;
  readonly about: string;
}

/** All limits of a workspace with their use: of the caller's own one, or of a named one for the service token. */
export async function listLimits(
  deps: LimitDeps,
  caller: RootKeyPrincipal | ServicePrincipal,
  workspace: string,
): Promise<readonly ShownLimit[]> {
  const workspaceId = await workspaceFor(deps, caller, workspace);
  const set = await listWorkspaceLimits(deps.db.kysely, workspaceId);
  return await Promise.all(LIMIT_NAMES.map(async (name): Promise<ShownLimit> => ({
    name,
    value: set.get(name) ?? defaultOf(deps, name),
    used: await usedOf(deps, name, workspaceId),
    isSet: set.has(name),
    about: LIMITS[name].about,
  })));
}

function defaultOf({ uploads }: LimitDeps, name: LimitName): number | undefined {
  if (name === "uploads") return uploads.workspaceCountMax;
  return name === "upload_bytes" ? uploads.workspaceBytesMax : LIMITS[name].value;
}

async function usedOf(deps: LimitDeps, name: LimitName, workspaceId: string): Promise<number | undefined> {
  const { db: { kysely }, clock, streams, uploads } = deps;
  const nowMs = clock.now();
  if (name === "builds") return undefined;
  if (name === "streams") return streams.used(workspaceId);
  if (name !== "uploads" && name !== "upload_bytes") return await usedOfStored(deps, name, workspaceId);
  const archives = await sumUploads(kysely, { workspaceId, nowMs, unknownBytes: uploads.bytesMax });
  return name === "uploads" ? archives.count : Math.max(archives.bytes, await sumPacks(kysely, workspaceId));
}

async function usedOfStored(
  { db, clock }: LimitDeps,
  name: StoredLimit,
  workspaceId: string,
): Promise<number> {
  return (await usageOf(db.kysely, name, { workspaceId, nowMs: clock.now() })).used;
}
