import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { contextIdOfPath, findContext, findUpload, touchContext } from "../../internal/store/mod.ts";
import type { RequestedBuild } from "./build_settings.ts";
import { contextTooLarge } from "./create_upload.ts";
import type { DeploymentDeps } from "./deps.ts";

/** A build context and how to build it. */
export interface ContextSource {
  readonly kind: "context";
  readonly objectKey: string;
  /** In messages, and in the archive where `dockerfile` is absent. */
  readonly dockerfilePath: string;
  /** `undefined`: the archive holds it. */
  readonly dockerfile: Uint8Array | undefined;
  readonly build: RequestedBuild;
}

/** The source of a deployment. */
export type CheckedSource =
  | ContextSource
  | { readonly kind: "image"; readonly image: string }
  /** The image of another deployment; it need not be built again. */
  | {
    readonly kind: "repeat";
    readonly deploymentId: string;
    readonly from: "context" | "image";
    readonly image: string;
    readonly objectKey: string | null;
    readonly dockerfilePath: string | null;
  };

/**
 * Checks that the project itself uploaded the object, not too long ago, and as a whole. Otherwise a caller who learns a
 * key could build, and so read, another project's source.
 *
 * @throws `failed_precondition` or `too_large`
 */
export async function requireContext(
  deps: DeploymentDeps,
  projectId: string,
  objectKey: string,
): Promise<void> {
  const { db, clock, objects, uploads } = deps;
  const contextId = contextIdOfPath(objectKey);
  if (contextId !== undefined) return await keepContext(deps, projectId, contextId);
  const upload = await findUpload(db.kysely, projectId, objectKey);
  if (upload === undefined || upload.expires_at <= clock.now()) {
    const text = `This project has no build context "${
      objectKey.slice(0, 120)
    }", or it has expired: upload it again.`;
    throw publicFault("failed_precondition", text);
  }
  const object = await objects.head(objectKey);
  if (object === undefined) {
    throw publicFault(
      "failed_precondition",
      "The build context was not uploaded: upload it before deploying it.",
    );
  }
  if (upload.size_bytes !== 0 && object.sizeBytes !== upload.size_bytes) {
    const sizes = `${object.sizeBytes} of ${upload.size_bytes} bytes`;
    throw publicFault("failed_precondition", `The build context is incomplete, ${sizes}: upload it again.`);
  }
  if (object.sizeBytes > uploads.bytesMax) throw contextTooLarge(object.sizeBytes, uploads.bytesMax);
}

/** A context by content was checked when it was committed; from now on it stays until the deployment has ended. */
async function keepContext({ db, clock }: DeploymentDeps, projectId: string, id: string): Promise<void> {
  const found = await findContext(db.kysely, projectId, id);
  if (found !== undefined && await transact(db, (tx) => touchContext(tx, id, clock.now()))) return;
  const text = `This project has no build context "${id.slice(0, 120)}", or it has expired: upload it again.`;
  throw publicFault("failed_precondition", text);
}
