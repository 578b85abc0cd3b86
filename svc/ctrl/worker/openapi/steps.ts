/** The effects of a look for a document. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { compareDocuments, LEVELS, readDocument } from "../../../../pkg/openapi/mod.ts";
import { decodeAppSnapshot, settingsOf } from "../../internal/deployments/app/settings.ts";
import {
  appendEvent,
  type CtrlDatabase,
  type DeploymentsTable,
  findDeployment,
  findOpenApi,
  findPreviousLive,
  listRoutesOfDeployment,
  saveOpenApi,
} from "../../internal/store/mod.ts";
import { askApp } from "./ask_app.ts";
import type { Asked, Look, OpenApiSteps } from "./types.ts";

export interface OpenApiDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  /** Address of an edge, as the worker reaches it. */
  readonly edgeUrl: string;
}

const ANSWER_MS_MAX = 10_000;

export function createOpenApiSteps(deps: OpenApiDeps): OpenApiSteps {
  const { db } = deps;
  return {
    async find(deploymentId) {
      const row = await findDeployment(db.kysely, deploymentId);
      const path = row === undefined ? undefined : pathOf(row);
      if (row?.status !== "ready" || path === undefined) return { kind: "gone" };
      const [route] = await namesOf(deps, deploymentId);
      return route === undefined ? { kind: "gone" } : { kind: "found", hostname: route, path };
    },

    async look(look, signal) {
      const { hostname, path } = look;
      const asked = await askApp({ edgeUrl: deps.edgeUrl, hostname, path, limitMs: ANSWER_MS_MAX }, signal);
      if (asked.kind === "later") return asked;
      if (!await keep(deps, look, asked)) return { kind: "moved" };
      return { kind: asked.kind === "read" ? "stored" : "none" };
    },

    async giveUp(look, problem) {
      await keep(deps, look, { kind: "none", problem });
    },
  };
}

/** Path of the deployment's document; `undefined`: it names none. */
export function pathOf(row: Pick<DeploymentsTable, "app_settings">): string | undefined {
  const snapshot = decodeAppSnapshot(row.app_settings);
  return snapshot === undefined ? undefined : settingsOf(snapshot).openapiPath;
}

/** Its names, those that never move first. */
async function namesOf({ db }: OpenApiDeps, deploymentId: string): Promise<readonly string[]> {
  const routes = await listRoutesOfDeployment(db.kysely, deploymentId);
  return [
    ...routes.filter(({ sticky }) => sticky === "none"),
    ...routes.filter(({ sticky }) => sticky !== "none"),
  ]
    .map(({ hostname }) => hostname);
}

/** Keeps an answer, unless the name leads elsewhere by now. */
async function keep(
  deps: OpenApiDeps,
  look: Look,
  asked: Exclude<Asked, { kind: "later" }>,
): Promise<boolean> {
  const { db, clock } = deps;
  const { deploymentId, hostname, path } = look;
  const row = await findDeployment(db.kysely, deploymentId);
  if (row === undefined || !(await namesOf(deps, deploymentId)).includes(hostname)) return false;
  const message = await noticeOf(deps, row, asked);
  const nowMs = clock.now();
  const found = asked.kind === "read"
    ? { body: asked.body, problem: "", version: asked.version, operations: asked.operations }
    : { body: undefined, problem: asked.problem, version: "", operations: 0 };
  const workspaceId = row.workspace_id;
  await transact(db, async (tx) => {
    const known = await findOpenApi(tx, { deploymentId, workspaceId });
    await saveOpenApi(tx, { deploymentId, workspaceId, path, ...found, readAtMs: nowMs });
    // The step may run twice; its event is there once.
    if (known === undefined) await appendEvent(tx, deploymentId, "notice", { message }, nowMs);
  });
  return true;
}

/** A text for the user: the document, and what it breaks of the one that was live before. */
async function noticeOf(
  { db }: OpenApiDeps,
  row: DeploymentsTable,
  asked: Exclude<Asked, { kind: "later" }>,
): Promise<string> {
  if (asked.kind === "none") return `No OpenAPI document was read: ${asked.problem}`;
  const operations = asked.operations === 1 ? "1 operation" : `${asked.operations} operations`;
  const start = `OpenAPI ${asked.version} document with ${operations}`;
  const previous = await findPreviousLive(db.kysely, row.environment_id, row.id);
  const former = previous === undefined
    ? undefined
    : await findOpenApi(db.kysely, { deploymentId: previous, workspaceId: row.workspace_id });
  const [before, now] = [await documentOf(former?.body), await documentOf(asked.body)];
  if (previous === undefined || before === undefined || now === undefined) return `${start}.`;
  const compared = compareDocuments(before, now);
  if (compared.kind === "too_large") {
    return `${start}. This one and that of ${previous} are ${compared.problem}.`;
  }
  const { changes } = compared.comparison;
  if (changes.length === 0) return `${start}: no changes since ${previous}.`;
  const breaking = changes.filter(({ level }) => level === LEVELS.error).length;
  const shown = breaking === 0 ? "none of them breaking" : `${breaking} of them breaking`;
  const count = changes.length === 1 ? "1 change" : `${changes.length} changes`;
  return `${start}: ${count} since ${previous}, ${shown}. "unkey openapi diff ${previous} ${row.id}" shows them.`;
}

async function documentOf(body: Uint8Array | undefined) {
  const read = body === undefined ? undefined : await readDocument(body);
  return read?.kind === "document" ? read.document : undefined;
}
