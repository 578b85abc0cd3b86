/** System calls that the runtime does not offer: times in nanoseconds, also of links, and nodes of special kinds. */

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const PIPE = 0o010000;
const SOCKET = 0o140000;
const NS_PER_S = 1_000_000_000n;

/** Calls of Linux's C library, until it is disposed of. */
export class SystemCalls implements Disposable {
  readonly #library = Deno.dlopen("libc.so.6", {
    utimensat: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
    mknod: { parameters: ["buffer", "u32", "u64"], result: "i32" },
  });

  /** Sets when a path was last changed; a link is not followed. Nanoseconds since 1970, negative before. */
  setModifiedAt(path: string, ns: bigint): void {
    const fraction = ((ns % NS_PER_S) + NS_PER_S) % NS_PER_S;
    const seconds = (ns - fraction) / NS_PER_S;
    const times = new BigInt64Array([seconds, fraction, seconds, fraction]);
    const done = this.#library.symbols.utimensat(AT_FDCWD, text(path), times, AT_SYMLINK_NOFOLLOW);
    if (done !== 0) throw new Error(`utimensat ${JSON.stringify(path)} to ${ns}`);
  }

  makePipe(path: string): void {
    this.#makeNode(path, PIPE);
  }

  makeSocket(path: string): void {
    this.#makeNode(path, SOCKET);
  }

  [Symbol.dispose](): void {
    this.#library.close();
  }

  #makeNode(path: string, kind: number): void {
    if (this.#library.symbols.mknod(text(path), kind | 0o644, 0n) !== 0) {
      throw new Error(`mknod ${JSON.stringify(path)}`);
    }
  }
}

function text(path: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${path}\0`);
}
