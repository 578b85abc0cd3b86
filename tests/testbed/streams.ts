/** Streams through the edge: uploads, responses without an end, WebSockets. DNS need not know the hosts. */
import { request } from "node:http";

const WAIT_MS = 60_000;

/** A response that is read while it comes. */
export class OpenResponse implements AsyncDisposable {
  readonly #connection: Deno.TcpConn;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Everything that came, up to and with `end`. */
  async until(end: string): Promise<string> {
    const timer = setTimeout(() => this.#close(), WAIT_MS);
    try {
      const buffer = new Uint8Array(4_096);
      while (!this.#text.includes(end)) {
        const count = await this.#connection.read(buffer);
        if (count === null) throw new Error(`The response ended before "${end}": ${this.#text}`);
        this.#text += this.#decoder.decode(buffer.subarray(0, count), { stream: true });
      }
      const at = this.#text.indexOf(end) + end.length;
      const found = this.#text.slice(0, at);
      this.#text = this.#text.slice(at);
      return found;
    } finally {
      clearTimeout(timer);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) sent += await this.#connection.write(bytes.subarray(sent));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    return Promise.resolve();
  }

  #close(): void {
    try {
      this.#connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

/** Asks for a response that has no end; its head is read already. HTTP/1.0, so that the body comes as it is. */
export async function readAtHost(port: number, host: string, path: string): Promise<OpenResponse> {
  const open = new OpenResponse(await Deno.connect({ hostname: "127.0.0.1", port }));
  await open.write(new TextEncoder().encode(`GET ${path} HTTP/1.0\r\nHost: ${host}\r\n\r\n`));
  await open.until("\r\n\r\n");
  return open;
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
/** RFC 6455, section 1.3. */
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** Opens a WebSocket, sends one text, and returns the first texts of the server: one before it, one after it. */
export async function webSocketAtHost(port: number, host: string, text: string): Promise<readonly string[]> {
  await using open = new OpenResponse(await Deno.connect({ hostname: "127.0.0.1", port }));
  const head = `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`;
  await open.write(new TextEncoder().encode(head));
  const answer = await open.until("\r\n\r\n");
  if (!answer.startsWith("HTTP/1.1 101") || !answer.includes(ACCEPT)) throw new Error(answer);
  const greeting = await open.until("hello");
  // Masked with zeros: the payload is as it is.
  const frame = [0x81, 0x80 | text.length, 0, 0, 0, 0, ...new TextEncoder().encode(text)];
  await open.write(new Uint8Array(frame));
  return [greeting, await open.until("got it")].map((each) => each.slice(2));
}

/** Posts `body` and returns the text of the response. */
export function uploadAtHost(port: number, host: string, path: string, body: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { host, "content-length": String(body.length) };
    const signal = AbortSignal.timeout(WAIT_MS);
    const sent = request(
      { host: "127.0.0.1", port, path, method: "POST", headers, agent: false, signal },
      (res) => {
        res.setEncoding("utf8");
        let text = "";
        res.on("data", (chunk: string) => text += chunk);
        res.on("error", reject);
        res.on("end", () => resolve(text));
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}
