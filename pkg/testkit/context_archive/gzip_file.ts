import { createHash } from "node:crypto";
import { once } from "node:events";
import { type FileHandle, open } from "node:fs/promises";
import { createGzip, type Gzip } from "node:zlib";

export interface Written {
  readonly sizeBytes: number;
  /** Base64. */
  readonly checksumSha256: string;
}

const CHUNK = 1 << 20;
/** Fast: on a build context the best level saves little and takes several times as long. */
const LEVEL = 1;
/** The byte of gzip's header that names the operating system; 255 is "unknown". */
const SYSTEM_AT = 9;
const SYSTEM_UNKNOWN = 255;

/** Writes a new gzip file that only its owner can read, and counts and hashes its bytes as they pass. */
export class GzipFile {
  readonly #file: FileHandle;
  readonly #gzip: Gzip = createGzip({ level: LEVEL, chunkSize: CHUNK / 4 });
  readonly #hash = createHash("sha256");
  readonly #drained: Promise<void>;
  #failure: unknown;
  #buffer = new Uint8Array(CHUNK);
  #used = 0;
  #sizeBytes = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
    this.#drained = this.#drain();
    this.#drained.catch((error: unknown) => {
      this.#failure = error;
      this.#gzip.destroy();
    });
  }

  /** @throws when the file exists or cannot be made */
  static async create(path: string): Promise<GzipFile> {
    return new GzipFile(await open(path, "wx", 0o600));
  }

  /** Bytes that have reached the file; those on their way are not counted. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Takes the bytes; they may be changed afterwards. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + CHUNK - this.#used);
      this.#buffer.set(part, this.#used);
      this.#used += part.length;
      at += part.length;
      if (this.#used === CHUNK) await this.#flush();
    }
  }

  /** Ends the file. */
  async finish(): Promise<Written> {
    if (this.#used > 0) await this.#flush();
    this.#gzip.end();
    await this.#drained;
    await this.#file.close();
    return { sizeBytes: this.#sizeBytes, checksumSha256: this.#hash.digest("base64") };
  }

  /** Gives up; the file is left as it is. */
  async abandon(): Promise<void> {
    this.#gzip.destroy();
    await this.#drained.catch(() => undefined); // it ends early, that is the point
    await this.#file.close().catch(() => undefined); // finished already
  }

  async #flush(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const full = this.#buffer.subarray(0, this.#used);
    this.#buffer = new Uint8Array(CHUNK);
    this.#used = 0;
    if (this.#gzip.write(full)) return;
    await Promise.race([once(this.#gzip, "drain"), this.#drained]);
  }

  async #drain(): Promise<void> {
    let first = true;
    for await (const chunk of this.#gzip) {
      const bytes: Uint8Array = chunk;
      // The same content must give the same bytes on every system.
      if (first && bytes.length > SYSTEM_AT) bytes[SYSTEM_AT] = SYSTEM_UNKNOWN;
      first = false;
      this.#hash.update(bytes);
      this.#sizeBytes += bytes.length;
      await this.#file.write(bytes);
    }
  }
}
