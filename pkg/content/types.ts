/** One entry of a build context, with the digests of its content. */
export interface ContentEntry {
  /** Relative to the context, with slashes; never empty, no `.` or `..` in it. */
  readonly path: string;
  readonly kind: "file" | "folder" | "link" | "hard_link";
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  /** Bytes of a file; 0 for the rest. */
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly modifiedAtNs: bigint;
  /** Of a link its target as written, of a hard link the path of an entry before it; else empty. */
  readonly target: string;
  /** Of a file's content, or of its chunks' digests when it has several; empty for the rest. */
  readonly sha256: Uint8Array;
  /** In order; none for an empty file. */
  readonly chunks: readonly ChunkReference[];
}

/** A chunk by its content. */
export interface ChunkReference {
  /** SHA-256 of the plain bytes. */
  readonly digest: Uint8Array;
  readonly bytes: number;
}

/** The digests of a file's content. */
export interface FileDigests {
  /** Of the content, or of the chunks' digests when there are several: a second pass over a large file takes too long. */
  readonly sha256: Uint8Array;
  /** In order; none for an empty file. */
  readonly chunks: readonly ChunkReference[];
}

/** A chunk and its place in a pack. */
export interface PackedChunk extends ChunkReference {
  readonly offset: number;
  readonly storedBytes: number;
  /** Raw deflate (RFC 1951). */
  readonly deflated: boolean;
}

/** Names an exact tree. */
export interface ContextRoot {
  /** The chunks of the manifest, in order. */
  readonly manifest: readonly ChunkReference[];
  /** The same for trees that differ in times only. */
  readonly contentId: Uint8Array;
}

export const DIGEST_BYTES = 32;
