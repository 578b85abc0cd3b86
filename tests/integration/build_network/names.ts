import { createServer, type Server } from "node:net";

const HEADER_BYTES = 12;
const LENGTH_BYTES = 2;
const TYPE_A = 1;
/** A pointer to the name of the question, class IN, and a lifetime of 0 seconds. */
const ANSWER_HEAD = [0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4];

/**
 * A DNS server over TCP (RFC 1035 and 7766) that knows IPv4 addresses by name, and answers "no such name" to all else. A
 * resolv.conf with `options use-vc` leads to it.
 */
export class NameServer implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(address: string, names: Readonly<Record<string, string>>): Promise<NameServer> {
    const server = createServer((socket) => {
      let received = new Uint8Array(0);
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Uint8Array) => {
        received = concat(received, chunk);
        for (;;) {
          const [high = 0, low = 0] = received;
          const end = LENGTH_BYTES + (high << 8 | low);
          if (received.length < LENGTH_BYTES || received.length < end) return;
          socket.write(withLength(answer(received.subarray(LENGTH_BYTES, end), names)));
          received = received.slice(end);
        }
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(53, address, resolve);
    });
    return new NameServer(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function answer(query: Uint8Array, names: Readonly<Record<string, string>>): Uint8Array {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(new TextDecoder().decode(query.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  const end = at + 5;
  const address = names[labels.join(".").toLowerCase()];
  const isKnown = address !== undefined && query[at + 2] === TYPE_A;
  const code = address === undefined ? 3 : 0;
  const head = [query[0] ?? 0, query[1] ?? 0, 0x81, 0x80 | code, 0, 1, 0, isKnown ? 1 : 0, 0, 0, 0, 0];
  const question = query.subarray(HEADER_BYTES, end);
  const found = isKnown ? [...ANSWER_HEAD, ...address.split(".").map(Number)] : [];
  return new Uint8Array([...head, ...question, ...found]);
}

function withLength(message: Uint8Array): Uint8Array {
  return new Uint8Array([message.length >> 8, message.length & 0xff, ...message]);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...a, ...b]);
}
