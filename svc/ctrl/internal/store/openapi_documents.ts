/** The OpenAPI documents of deployments. */
import { gunzipSync, gzipSync } from "node:zlib";
import { upsert } from "../../../../pkg/db/mod.ts";
import type { Queryable } from "./database.ts";
import type { OpenApiDocumentsTable } from "./schema_content.ts";

/** The document of a deployment, or the reason why there is none. */
export interface StoredOpenApi {
  readonly deploymentId: string;
  readonly workspaceId: string;
  /** Path at which the app was asked for it. */
  readonly path: string;
  /** As the app served it; `undefined`: there is none, and `problem` says why. */
  readonly body: Uint8Array | undefined;
  readonly problem: string;
  /** E.g. `3.1.0`; empty without a document. */
  readonly version: string;
  readonly operations: number;
  readonly readAtMs: number;
}

const PROBLEM_CHARACTERS_MAX = 512;
/** Longer than a document may be: what was stored was within that bound. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;

/** Keeps what was found, in place of what an earlier look found. */
export async function saveOpenApi(db: Queryable, found: StoredOpenApi): Promise<void> {
  const row: OpenApiDocumentsTable = {
    deployment_id: found.deploymentId,
    workspace_id: found.workspaceId,
    path: found.path,
    body: found.body === undefined ? null : gzipSync(found.body),
    problem: found.problem.slice(0, PROBLEM_CHARACTERS_MAX),
    version: found.version,
    operations: found.operations,
    read_at: found.readAtMs,
  };
  await upsert(db, "openapi_documents", [row], {
    key: ["deployment_id"],
    update: ["path", "body", "problem", "version", "operations", "read_at"],
  });
}

/** Primary key. Documents of another workspace are not found. */
export async function findOpenApi(
  db: Queryable,
  { deploymentId, workspaceId }: { readonly deploymentId: string; readonly workspaceId: string },
): Promise<StoredOpenApi | undefined> {
  const row = await db.selectFrom("openapi_documents").selectAll()
    .where("deployment_id", "=", deploymentId).where("workspace_id", "=", workspaceId).executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    deploymentId: row.deployment_id,
    workspaceId: row.workspace_id,
    path: row.path,
    body: row.body === null ? undefined : gunzipSync(row.body, { maxOutputLength: BODY_BYTES_MAX }),
    problem: row.problem,
    version: row.version,
    operations: row.operations,
    readAtMs: row.read_at,
  };
}

/** Forgets the document of a deployment whose output is not kept any more. */
export async function deleteOpenApi(db: Queryable, deploymentId: string): Promise<void> {
  await db.deleteFrom("openapi_documents").where("deployment_id", "=", deploymentId).execute();
}
