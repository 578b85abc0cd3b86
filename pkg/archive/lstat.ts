/**
 * Attributes of files with times in nanoseconds; the runtime's own `lstat` cuts them to milliseconds, and the time of the last
 * change to seconds.
 */

/** The attributes of a path itself; links are not followed. */
export interface Attributes {
  readonly kind: "file" | "folder" | "link" | "pipe" | "socket" | "device";
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly modifiedAtNs: bigint;
  /** Of content or attributes; nanoseconds since 1970. */
  readonly changedAtNs: bigint;
  /** Device and inode: paths of the same file share it. */
  readonly identity: string;
  /** Number of paths of the file. */
  readonly links: number;
}

/** Reads attributes until it is disposed of. */
export interface AttributeReader extends Disposable {
  /** @throws what `Deno.lstatSync` throws */
  readonly lstat: (path: string) => Attributes;
}

/** Nanoseconds where Linux's C library can be called, milliseconds elsewhere. */
export function openAttributeReader(os: string = Deno.build.os): AttributeReader {
  const lstat = os === "windows" ? lstatOnWindows : lstatByRuntime;
  return openStatx(os) ?? { lstat, [Symbol.dispose]: () => undefined };
}

const PERMISSIONS = 0o7777;
const NS_PER_MS = 1_000_000n;
const NS_PER_S = 1_000_000_000n;

function lstatByRuntime(path: string): Attributes {
  const info = Deno.lstatSync(path);
  return {
    kind: kindOf(info),
    mode: (info.mode ?? 0o644) & PERMISSIONS,
    size: info.size,
    modifiedAtNs: BigInt(info.mtime?.getTime() ?? 0) * NS_PER_MS,
    changedAtNs: BigInt(info.ctime?.getTime() ?? 0) * NS_PER_MS,
    identity: `${info.dev}:${info.ino}`,
    links: info.nlink ?? 1,
  };
}

/** Windows has no permission bits: every file may be executed, as the `docker` command has it there. */
function lstatOnWindows(path: string): Attributes {
  return { ...lstatByRuntime(path), mode: 0o755 };
}

function kindOf(info: Deno.FileInfo): Attributes["kind"] {
  if (info.isFile) return "file";
  if (info.isDirectory) return "folder";
  if (info.isSymlink) return "link";
  if (info.isFifo) return "pipe";
  return info.isSocket ? "socket" : "device";
}

const KINDS: Readonly<Record<number, Attributes["kind"]>> = {
  0o10: "pipe",
  0o40: "folder",
  0o100: "file",
  0o120: "link",
  0o140: "socket",
};

/** Of the current folder, as the parameter of `statx`; paths are absolute. */
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const STATX_BASIC_STATS = 0x7ff;
/** `struct statx` is the same on all architectures: statx(2), linux/stat.h. */
const STATX_BYTES = 256;
const PATH_BYTES_MAX = 8_192;

function openStatx(os: string): AttributeReader | undefined {
  if (os !== "linux") return undefined;
  const library = openLibrary();
  if (library === undefined) return undefined;
  const encoder = new TextEncoder();
  const name = new Uint8Array(PATH_BYTES_MAX);
  const found = new Uint8Array(STATX_BYTES);
  const view = new DataView(found.buffer);
  const timeAt = (at: number): bigint =>
    view.getBigInt64(at, true) * NS_PER_S + BigInt(view.getUint32(at + 8, true));
  return {
    lstat(path) {
      const { read, written } = encoder.encodeInto(path, name.subarray(0, -1));
      name[written] = 0;
      const flags = AT_SYMLINK_NOFOLLOW;
      const whole = read === path.length && !path.includes("\0");
      const failed = !whole || library.symbols.statx(AT_FDCWD, name, flags, STATX_BASIC_STATS, found) !== 0;
      // The runtime knows which error it is.
      if (failed) return lstatByRuntime(path);
      const mode = view.getUint16(28, true);
      return {
        kind: KINDS[mode >> 9 & 0o170] ?? "device",
        mode: mode & PERMISSIONS,
        size: Number(view.getBigUint64(40, true)),
        modifiedAtNs: timeAt(112),
        changedAtNs: timeAt(96),
        identity: `${view.getBigUint64(136, true)}:${view.getBigUint64(32, true)}`,
        links: view.getUint32(16, true),
      };
    },
    [Symbol.dispose]: () => library.close(),
  };
}

function openLibrary() {
  try {
    return Deno.dlopen(
      "libc.so.6",
      { statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" } },
    );
  } catch {
    // Another C library, or no permission to call one.
    return undefined;
  }
}
