import { Buffer } from "node:buffer";
import { reasonOf } from "./forward.ts";
import type { ResponseHead } from "./head.ts";
import type { LinkUser, RequestPart, UpstreamLink } from "./link.ts";
import type { Answer, Served, Upstream } from "./types.ts";

/** Takes the body of a request and gives the answer that is made from it, in the place of a connection to an app. */
export class ServedLink implements UpstreamLink {
  readonly upstream: Upstream = { key: "edge", host: "", port: 0 };
  readonly used = false;
  readonly untouched = true;
  readonly #served: Served;
  #user: LinkUser | undefined;
  #body: Buffer[] = [];
  #bytes = 0;
  #isHead = false;
  #isAsked = false;

  constructor(served: Served) {
    this.#served = served;
  }

  open(user: LinkUser): void {
    this.#user = user;
  }

  send({ start, slices, trailers }: RequestPart): boolean {
    if (start !== undefined) this.#isHead = start.request.method === "HEAD";
    for (const slice of slices) {
      this.#bytes += slice.length;
      // Slices are valid during the call only.
      if (this.#bytes <= this.#served.bytesMax) this.#body.push(Buffer.from(slice));
    }
    if (this.#bytes > this.#served.bytesMax) this.#ask(undefined);
    else if (trailers !== undefined) this.#ask(Buffer.concat(this.#body));
    return true;
  }

  #ask(body: Uint8Array | undefined): void {
    this.#body = [];
    if (this.#isAsked) return;
    this.#isAsked = true;
    // Not at once: the exchange is in the middle of its begin.
    void this.#served.serve(body).then((answer) => this.#answer(answer));
  }

  #answer({ status, headers, body }: Answer): void {
    const bytes = Buffer.from(body);
    const all = [...headers, ["Content-Length", String(bytes.length)] as const];
    const fields = all.map(([name, value]) => ({ name, lower: name.toLowerCase(), value }));
    const head: ResponseHead = { minor: 1, status, reason: reasonOf(status), headers: fields };
    this.#user?.response({
      start: { head, framing: { kind: "length", bytes: bytes.length } },
      slices: this.#isHead ? [] : [bytes],
      trailers: [],
    });
  }

  pause(): void {
    // The answer is written whole.
  }

  resume(): void {
    // The same.
  }

  release(): void {
    this.#user = undefined;
  }
}
