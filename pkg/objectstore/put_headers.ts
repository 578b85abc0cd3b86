import type { PresignPutOptions } from "./types.ts";

/** The headers that a client must send so that the store takes the upload. */
export function putHeaders({ sizeBytes, checksumSha256 }: PresignPutOptions): Record<string, string> {
  return {
    ...(sizeBytes === undefined ? {} : { "content-length": String(sizeBytes) }),
    ...(checksumSha256 === undefined ? {} : { "x-amz-checksum-sha256": checksumSha256 }),
  };
}
