import { transact } from "../../../../pkg/db/mod.ts";
import type { ContextRoot } from "../../../../proto/gen/ctrl/v1/upload_pb.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireProject } from "../../internal/auth/project.ts";
import { contextPath, findContextByRoot, touchContext } from "../../internal/store/mod.ts";
import type { ContextLimits, UploadDeps } from "./deps.ts";
import { checkRoot } from "./digests.ts";

/** A context that a client has on its disk. */
export interface PrepareRequest {
  readonly projectId: string;
  readonly root?: ContextRoot | undefined;
}

export interface Prepared {
  /** Set when the whole context is stored. */
  readonly path: string | undefined;
  readonly limits: ContextLimits;
}

/** Finds a context that is stored already, and keeps it for another day. Without a root, it only answers with the limits. */
export async function prepareContext(
  deps: UploadDeps,
  caller: RootKeyPrincipal,
  { projectId, root: message }: PrepareRequest,
): Promise<Prepared> {
  const { db, clock, limits } = deps;
  const project = await requireProject(deps, caller, { id: projectId, action: "generate_upload_url" });
  if (message === undefined) return { path: undefined, limits };
  const { root } = checkRoot(message);
  const found = await findContextByRoot(db.kysely, project.id, root);
  const kept = found !== undefined && await transact(db, (tx) => touchContext(tx, found.id, clock.now()));
  return { path: kept ? contextPath(found.id) : undefined, limits };
}
