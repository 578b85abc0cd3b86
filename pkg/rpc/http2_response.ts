import { Buffer } from "node:buffer";
import type { OutgoingHttpHeaders } from "node:http";
import { Writable } from "node:stream";
import { CODE, type FieldToSend, type Stream } from "../http2/mod.ts";

/** Fields of an HTTP/1.1 connection, which a response of HTTP/2 may not have. */
const CONNECTION_FIELDS = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade"]);

/** A response of HTTP/2, with the parts of Node's `ServerResponse` that are used here. */
export class Http2Response extends Writable {
  headersSent = false;
  readonly #stream: Stream;
  readonly #bodyless: boolean;
  #over = false;
  /** Goes on once the client has taken what was written. */
  #taken: (() => void) | undefined;

  /** @param bodyless the response has no body whatever is written, as that of HEAD */
  constructor(stream: Stream, bodyless: boolean) {
    super({ autoDestroy: true });
    this.#stream = stream;
    this.#bodyless = bodyless;
  }

  writeHead(status: number, headers: OutgoingHttpHeaders): void {
    if (this.headersSent || this.#over) return;
    this.headersSent = true;
    const fields: FieldToSend[] = [{ lower: ":status", value: String(status) }];
    for (const [name, value] of Object.entries(headers)) {
      const lower = name.toLowerCase();
      if (value === undefined || CONNECTION_FIELDS.has(lower)) continue;
      for (const each of Array.isArray(value) ? value : [value]) fields.push({ lower, value: String(each) });
    }
    this.#stream.headers(fields, false);
  }

  /** The other side takes more. */
  drained(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  /** The stream is gone. */
  broken(): void {
    this.#over = true;
    this.destroy();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.writeHead(200, {});
    if (this.#over || this.#bodyless || this.#stream.data([chunk], undefined)) return done();
    this.#taken = done;
  }

  override _final(done: (error?: Error | null) => void): void {
    this.writeHead(200, {});
    if (!this.#over) {
      this.#over = true;
      this.#stream.data([], []);
      // The rest of a request that was answered before its end is not wanted.
      this.#stream.forgo();
    }
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#over) {
      this.#over = true;
      this.#stream.reset(CODE.cancel);
    }
    this.drained();
    done(error);
  }
}
