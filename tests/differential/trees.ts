import { randomName } from "./names.ts";
import type { Random } from "./random.ts";
import type { SystemCalls } from "./system_calls.ts";

const ENTRIES_MAX = 24;
/** Below what Linux takes, so that the builder's own folder fits in front of it. */
const PATH_BYTES_MAX = 3_000;
const DEPTH_MAX = 40;
const CONTENT_BYTES_MAX = 3_000;
const LARGE_BYTES = 300_000;
const OWNER_MAX = 100_000;

const MODES = [
  0o644,
  0o755,
  0o600,
  0o700,
  0o777,
  0o444,
  0o200,
  0,
  0o1777,
  0o2755,
  0o4755,
  0o6711,
  0o7777,
  0o4000,
] as const;

const NS_PER_S = 1_000_000_000n;
/** The first and the last second that an ext4 file system keeps. */
const SECONDS_FIRST = -2_147_483_648n;
const SECONDS_LAST = 15_032_385_535n;
const SECONDS_1972_TO_2033 = { first: 63_072_000, count: 1_924_992_000 } as const;

const TIMES = [
  0n,
  1n,
  -1n,
  999_999_999n,
  -NS_PER_S,
  -1_500_000_001n,
  SECONDS_FIRST * NS_PER_S,
  946_684_800n * NS_PER_S,
  // 2038 and 2106 end 32 bits, 2242 the digits of a tar header, and 2262 nanoseconds in 64 bits.
  2_147_483_648n * NS_PER_S,
  4_102_444_800n * NS_PER_S,
  4_294_967_296n * NS_PER_S,
  8_589_934_592n * NS_PER_S + 123_456_789n,
  9_223_372_036n * NS_PER_S,
  9_223_372_037n * NS_PER_S + 5n,
  SECONDS_LAST * NS_PER_S,
] as const;

/** Grows trees in a folder. Later trees may share files with earlier ones by hard links. */
export class TreeGrower {
  readonly #root: string;
  readonly #random: Random;
  readonly #system: SystemCalls;
  readonly #paths: string[] = [];
  /** Everything that may get another name. */
  readonly #linkable: string[] = [];
  readonly #kinds = new Map<string, "folder" | "link" | "other">();

  constructor(root: string, random: Random, system: SystemCalls) {
    this.#root = root;
    this.#random = random;
    this.#system = system;
  }

  get paths(): readonly string[] {
    return this.#paths;
  }

  /** Adds one tree below a folder of the root that is not there yet. */
  grow(top: string): void {
    const random = this.#random;
    const folders = [top];
    Deno.mkdirSync(this.#absolute(top));
    this.#remember(top, "folder");
    if (random.chance(0.05)) folders.push(...this.#growDeep(top));
    const entries = random.below(ENTRIES_MAX);
    for (let made = 0; made < entries; made++) {
      const path = `${random.pick(folders)}/${randomName(random)}`;
      const bytes = new TextEncoder().encode(path).length;
      if (this.#kinds.has(path) || bytes > PATH_BYTES_MAX) continue;
      if (this.#make(path)) folders.push(path);
    }
  }

  /** Gives everything its mode and time; nothing can be added afterwards. */
  finish(): void {
    const random = this.#random;
    // What is in a folder comes after it, and changing it changes the folder's time.
    for (const path of this.#paths.toReversed()) {
      const absolute = this.#absolute(path);
      if (this.#kinds.get(path) !== "link") {
        if (random.chance(0.2)) Deno.chownSync(absolute, random.below(OWNER_MAX), random.below(OWNER_MAX));
        if (random.chance(0.7)) Deno.chmodSync(absolute, random.pick(MODES));
      }
      this.#system.setModifiedAt(absolute, randomTime(random));
    }
  }

  #growDeep(top: string): readonly string[] {
    const folders: string[] = [];
    let path = top;
    for (let depth = this.#random.below(DEPTH_MAX); depth > 0; depth--) {
      path = `${path}/${randomName(this.#random)}`;
      if (new TextEncoder().encode(path).length > PATH_BYTES_MAX) break;
      Deno.mkdirSync(this.#absolute(path));
      this.#remember(path, "folder");
      folders.push(path);
    }
    return folders;
  }

  /** Makes something new; true when it is a folder. */
  #make(path: string): boolean {
    const random = this.#random;
    const absolute = this.#absolute(path);
    const kind = random.weighted({
      file: 40,
      folder: 20,
      empty: 6,
      link: 14,
      hardLink: 12,
      sparse: 3,
      pipe: 3,
      socket: 2,
    });
    switch (kind) {
      case "folder":
        Deno.mkdirSync(absolute);
        this.#remember(path, "folder");
        return true;
      case "link":
        Deno.symlinkSync(randomTarget(random, path, this.#paths), absolute);
        this.#remember(path, "link");
        this.#linkable.push(path);
        return false;
      case "hardLink":
        this.#makeHardLink(path);
        return false;
      case "pipe":
        this.#system.makePipe(absolute);
        break;
      case "socket":
        this.#system.makeSocket(absolute);
        break;
      case "file":
        Deno.writeFileSync(absolute, randomContent(random));
        break;
      case "empty":
        Deno.writeFileSync(absolute, new Uint8Array(0));
        break;
      case "sparse":
        makeSparse(random, absolute);
    }
    this.#remember(path, "other");
    this.#linkable.push(path);
    return false;
  }

  #makeHardLink(path: string): void {
    if (this.#linkable.length === 0) return;
    const target = this.#random.pick(this.#linkable);
    Deno.linkSync(this.#absolute(target), this.#absolute(path));
    this.#remember(path, this.#kinds.get(target) ?? "other");
  }

  #remember(path: string, kind: "folder" | "link" | "other"): void {
    this.#paths.push(path);
    this.#kinds.set(path, kind);
  }

  #absolute(path: string): string {
    return `${this.#root}/${path}`;
  }
}

function randomContent(random: Random): Uint8Array {
  const bytes = new Uint8Array(random.chance(0.02) ? LARGE_BYTES : random.below(CONTENT_BYTES_MAX));
  for (let at = 0; at < bytes.length; at++) bytes[at] = random.below(256);
  return bytes;
}

function makeSparse(random: Random, path: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  file.writeSync(new TextEncoder().encode("head"));
  file.truncateSync(random.below(LARGE_BYTES) + 4);
  if (!random.chance(0.5)) return;
  file.seekSync(0, Deno.SeekMode.End);
  file.writeSync(new TextEncoder().encode("tail"));
}

function randomTarget(random: Random, path: string, paths: readonly string[]): string {
  const folder = path.slice(0, path.lastIndexOf("/"));
  const up = "../".repeat(folder.split("/").length);
  const name = path.slice(folder.length + 1);
  const kind = random.weighted({ relative: 30, absolute: 12, dangling: 20, loop: 8, odd: 10, outside: 8 });
  switch (kind) {
    case "relative":
      return `${up}${random.pick(paths)}`;
    case "absolute":
      return `/${random.pick(paths)}`;
    case "dangling":
      return randomName(random);
    case "loop":
      return random.pick([name, ".", "./", "..", `${up}${folder}`, `../${name}`]);
    case "odd":
      return random.pick(["//etc//passwd", "a/./b/../c", "/", "a/", `${"long/".repeat(40)}end`, " ", "\n"]);
    case "outside":
      return random.pick([`${up}../../../../etc/passwd`, "/etc/hostname", "/proc/self/environ"]);
  }
}

function randomTime(random: Random): bigint {
  const { first, count } = SECONDS_1972_TO_2033;
  const seconds = BigInt(first + random.below(count));
  const kind = random.weighted({ nanoseconds: 50, seconds: 25, unusual: 25 });
  if (kind === "unusual") return random.pick(TIMES);
  return seconds * NS_PER_S + (kind === "nanoseconds" ? BigInt(random.below(1_000_000_000)) : 0n);
}
