import { Buffer } from "node:buffer";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { CODE, type Field, type FieldToSend, type Stream, type StreamHandler } from "../../http2/mod.ts";

/** Requests name a host or a secret. */
const REQUEST_BYTES_MAX = 64 * 1024;

/** A call with one message each way, which a handler of the library answers. */
export class UnaryCall implements StreamHandler {
  readonly #stream: Stream;
  readonly #handler: UniversalHandler;
  readonly #fields: readonly Field[];
  readonly #gone = new AbortController();
  readonly #signal: AbortSignal;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(stream: Stream, handler: UniversalHandler, fields: readonly Field[], signal: AbortSignal) {
    this.#stream = stream;
    this.#handler = handler;
    this.#fields = fields;
    this.#signal = AbortSignal.any([signal, this.#gone.signal]);
  }

  data(bytes: Buffer): void {
    this.#stream.consumed(bytes.length);
    this.#bytes += bytes.length;
    if (this.#bytes > REQUEST_BYTES_MAX) return this.#stream.reset(CODE.calm);
    this.#pieces.push(bytes);
  }

  ended(): void {
    this.#answer(Buffer.concat(this.#pieces)).catch(() => this.#stream.reset(CODE.internal));
  }

  async #answer(request: Uint8Array): Promise<void> {
    const { status, header, body, trailer } = await this.#handler({
      httpVersion: "2.0",
      method: "POST",
      url: `http://session${this.#handler.requestPath}`,
      header: new Headers(
        this.#fields.filter(({ name }) => !name.startsWith(":")).map((
          { name, value },
        ): [string, string] => [name, value]),
      ),
      body: once(request),
      signal: this.#signal,
    });
    this.#stream.headers([{ lower: ":status", value: String(status) }, ...fieldsOf(header)], false);
    // An answer is one small message: the stream may hold it until the builder takes it.
    for await (const part of body ?? []) this.#stream.data([part], undefined);
    this.#stream.data([], fieldsOf(trailer));
  }

  reset(): void {
    this.#gone.abort();
  }

  headers(): void {
    // Those of the request came with the stream.
  }

  drained(): void {
    // Nothing waits for it.
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

function fieldsOf(headers: Headers | undefined): FieldToSend[] {
  return [...headers ?? []].map(([lower, value]) => ({ lower, value }));
}
