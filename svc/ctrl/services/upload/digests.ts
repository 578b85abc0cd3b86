import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import {
  type ChunkReference,
  DIGEST_BYTES,
  joinDigests,
  MANIFEST_CHUNKS,
} from "../../../../pkg/content/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import type { ContextRoot as RootMessage } from "../../../../proto/gen/ctrl/v1/upload_pb.ts";
import { invalid } from "../../internal/validate/mod.ts";

/** Chunks of one manifest: some million files. */
const MANIFEST_CHUNKS_MAX = 10_000;
const MEBIBYTE = 1024 * 1024;
/** Of one manifest, which is read as a whole: two million files with paths of 100 characters. */
const MANIFEST_BYTES_MAX = 256 * MEBIBYTE;

/** A digest as rows hold it. */
export function digestText(digest: Uint8Array): string {
  return Buffer.from(digest).toString("base64url");
}

/** @throws `invalid_argument` unless `bytes` are digests one behind the other, at most `countMax` of them */
export function splitDigests(field: string, bytes: Uint8Array, countMax: number): readonly Uint8Array[] {
  if (bytes.length % DIGEST_BYTES !== 0) {
    throw invalid(field, `must be digests of ${DIGEST_BYTES} bytes each`);
  }
  const count = bytes.length / DIGEST_BYTES;
  if (count > countMax) throw invalid(field, `must have at most ${countMax} digests`, String(count));
  return Array.from(
    { length: count },
    (_, index) => bytes.slice(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES),
  );
}

/** The root of a context, checked. */
export interface CheckedRoot {
  readonly manifest: readonly ChunkReference[];
  readonly contentId: string;
  /** Names this exact tree. */
  readonly root: string;
}

/** @throws `invalid_argument`, or `too_large` for a manifest over the limit */
export function checkRoot(message: RootMessage | undefined): CheckedRoot {
  if (message === undefined) throw invalid("root", "is required");
  const { manifestDigests, manifestLengths, contentId } = message;
  const digests = splitDigests("root.manifest_digests", manifestDigests, MANIFEST_CHUNKS_MAX);
  if (digests.length !== manifestLengths.length) {
    throw invalid(
      "root.manifest_lengths",
      "must have a length for each digest",
      String(manifestLengths.length),
    );
  }
  if (contentId.length !== DIGEST_BYTES) throw invalid("root.content_id", `must have ${DIGEST_BYTES} bytes`);
  const manifest = digests.map((digest, index) => ({ digest, bytes: manifestLengths[index] ?? 0 }));
  if (manifest.some(({ bytes }) => bytes < 1 || bytes > MANIFEST_CHUNKS.max)) {
    throw invalid("root.manifest_lengths", `must be between 1 and ${MANIFEST_CHUNKS.max}`);
  }
  const manifestBytes = manifest.reduce((sum, { bytes }) => sum + bytes, 0);
  if (manifestBytes > MANIFEST_BYTES_MAX) throw tooLongList(manifestBytes);
  const hash = createHash("sha256").update(joinDigests(manifest)).update(JSON.stringify(manifestLengths));
  return { manifest, contentId: digestText(contentId), root: hash.digest("base64url") };
}

function tooLongList(manifestBytes: number): Error {
  const [has, may] = [manifestBytes, MANIFEST_BYTES_MAX].map((bytes) => Math.ceil(bytes / MEBIBYTE));
  return publicFault(
    "too_large",
    `The list of the files of the build context has ${has} MiB, and at most ${may} MiB are allowed. Name what the build does not ` +
      "need in .dockerignore.",
  );
}
