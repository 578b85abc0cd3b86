/** One entry of a build context. */
export interface ContextEntry {
  /** Relative to the context, with slashes; never empty, no `.` or `..` in it. */
  readonly path: string;
  readonly kind: "file" | "folder" | "link" | "hard_link" | "pipe";
  /** Permission bits with setuid, setgid and sticky, as POSIX has them. */
  readonly mode: number;
  /** Bytes of a file; 0 for the rest. */
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly modifiedAtNs: bigint;
  /** Of a link its target as written, of a hard link the path of an entry that is a file; else empty. */
  readonly target: string;
}

/** The files of a build context, readable in any order. */
export interface ContextTree {
  /** Parents before their children, and siblings in the order of their names' bytes. */
  readonly entries: readonly ContextEntry[];
  /** Streams the content of a file. */
  read(entry: ContextEntry, signal: AbortSignal): AsyncIterable<Uint8Array>;
}
