import type { ServiceImpl } from "@connectrpc/connect";
import type { UploadService } from "../../../../proto/gen/ctrl/v1/upload_pb.ts";
import { principalOf } from "../../internal/auth/principal.ts";
import { commitContext } from "./commit_context.ts";
import { commitPacks } from "./commit_packs.ts";
import { createPacks } from "./create_packs.ts";
import type { UploadDeps } from "./deps.ts";
import { findMissingChunks } from "./find_missing_chunks.ts";
import { prepareContext } from "./prepare_context.ts";

/** Adapts the upload use cases to `ctrl.v1.UploadService`. */
export function uploadHandlers(deps: UploadDeps): ServiceImpl<typeof UploadService> {
  return {
    async prepareContext(request, context) {
      const { path, limits } = await prepareContext(deps, principalOf(context.values, "root_key"), request);
      const { contentBytesMax, entriesMax } = limits;
      return {
        buildContextPath: path ?? "",
        limits: { contentBytesMax: BigInt(contentBytesMax), filesMax: BigInt(entriesMax) },
      };
    },
    async findMissingChunks(request, context) {
      return {
        missing: [...await findMissingChunks(deps, principalOf(context.values, "root_key"), request)],
      };
    },
    async createPacks({ projectId, packs }, context) {
      const wanted = packs.map(({ sizeBytes, checksumSha256 }) => ({
        sizeBytes: Number(sizeBytes),
        checksumSha256,
      }));
      const request = { projectId, packs: wanted };
      return { uploads: [...await createPacks(deps, principalOf(context.values, "root_key"), request)] };
    },
    async commitPacks(request, context) {
      await commitPacks(deps, principalOf(context.values, "root_key"), request);
      return {};
    },
    async commitContext(request, context) {
      return {
        buildContextPath: await commitContext(deps, principalOf(context.values, "root_key"), request),
      };
    },
  };
}
