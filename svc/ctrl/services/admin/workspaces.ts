import { transact } from "../../../../pkg/db/mod.ts";
import { isFault, publicFault } from "../../../../pkg/fault/mod.ts";
import { newId, parseId, type WorkspaceId } from "../../../../pkg/uid/mod.ts";
import type { RootKeyPrincipal, ServicePrincipal } from "../../internal/auth/principal.ts";
import { decodePageToken, pageOf, type PageRequest } from "../../internal/page_token.ts";
import {
  createWorkspace as recordWorkspace,
  findWorkspace,
  findWorkspaceBySlug,
  listWorkspaces as readWorkspaces,
  recordAudit,
  type WorkspacesTable,
} from "../../internal/store/mod.ts";
import { invalid, optionalText, pageSize, slug, text } from "../../internal/validate/mod.ts";
import type { AdminDeps } from "./deps.ts";

/** Creates a workspace and returns its id. @throws `already_exists` when the slug is taken */
export async function createWorkspace(
  { db, clock }: AdminDeps,
  request: { readonly name: string; readonly slug: string },
): Promise<WorkspaceId> {
  const id = newId("workspace", clock.now());
  const workspace = {
    id,
    slug: slug("slug", request.slug),
    name: optionalText("name", request.name, 256) || request.slug,
    nowMs: clock.now(),
  };
  await unlessTaken("workspace", workspace.slug, () =>
    transact(db, async (tx) => {
      await recordWorkspace(tx, workspace);
      await recordAudit(tx, {
        workspaceId: id,
        actor: { kind: "service" },
        action: "workspace.create",
        resource: { type: "workspace", id },
        facts: { slug: workspace.slug },
        nowMs: workspace.nowMs,
      });
    }));
  return id;
}

/** @throws `already_exists` with the name of the slug when `write` finds it taken */
export async function unlessTaken(kind: string, taken: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isFault(error, "already_exists")) throw error;
    throw publicFault("already_exists", `There is a ${kind} "${taken}" already: choose another slug.`, error);
  }
}

const PAGE_SIZE = 100;
const PAGE_SIZE_MAX = 500;

/** Lists all workspaces, newest first. */
export async function listWorkspaces(
  { db }: AdminDeps,
  page: PageRequest,
): Promise<ReturnType<typeof pageOf<WorkspacesTable>>> {
  const size = pageSize(page.pageSize, PAGE_SIZE, PAGE_SIZE_MAX);
  const before = decodePageToken(page.pageToken, "ws");
  const found = await readWorkspaces(db.kysely, { before, limit: size + 1 });
  return pageOf(found, size);
}

/** A root key acts in its own workspace; the service token must name one. */
export async function workspaceFor(
  { db }: Pick<AdminDeps, "db">,
  caller: RootKeyPrincipal | ServicePrincipal,
  given: string,
): Promise<WorkspaceId> {
  if (caller.kind === "root_key") {
    if (given === "" || given === caller.workspaceId) return caller.workspaceId;
    throw publicFault("not_found", `Workspace "${given.slice(0, 80)}" was not found.`);
  }
  if (given === "") throw invalid("workspace_id", "is required with the service token: an id or a slug");
  const name = text("workspace_id", given, 128);
  // A slug has no underscore, an id has one.
  const found = name.includes("_")
    ? await findWorkspace(db.kysely, name)
    : await findWorkspaceBySlug(db.kysely, name);
  if (found !== undefined) return parseId("workspace", "workspace_id", found.id);
  throw publicFault("not_found", `Workspace "${name}" was not found.`);
}

/** The caller's own workspace. @throws `not_found` when it was deleted meanwhile */
export async function requireOwnWorkspace(
  { db }: AdminDeps,
  caller: RootKeyPrincipal,
): Promise<{ slug: string }> {
  const workspace = await findWorkspace(db.kysely, text("workspace_id", caller.workspaceId, 128));
  if (workspace === undefined) {
    throw publicFault("not_found", "The workspace of this key does not exist any more.");
  }
  return workspace;
}
