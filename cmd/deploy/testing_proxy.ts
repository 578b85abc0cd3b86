/** A proxy, and an object store that it knows by the name `store.test`, which nothing else does. */
import { createServer, type IncomingMessage, request, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect, type Server } from "node:net";
import type { Duplex } from "node:stream";

export const STORE = "store.test";

/** A certificate and its key, as PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Something that listens on this machine until it is disposed of. */
export interface Listening extends AsyncDisposable {
  readonly port: number;
}

/** An object store that keeps the uploaded objects. */
export interface TestStore extends Listening {
  readonly puts: {
    readonly path: string;
    readonly host: string;
    readonly length: string;
    readonly text: string;
  }[];
}

/** A request that a proxy received. */
export interface TestProxy extends Listening {
  readonly asked: string[];
  readonly authorizations: (string | undefined)[];
}

/** The behaviour of a proxy; by default it forwards every request to the store. */
export interface ProxyScript {
  readonly storePort: number;
  /** Makes clients speak TLS to it. */
  readonly tls?: TlsFiles;
  /** Answers all with this status. */
  readonly refusesWith?: number;
  /** Does not answer, and reports the request and the end of its connection. */
  readonly silent?: { readonly onAsked: () => void; readonly onLeft: () => void };
}

/** Starts a store, over TLS when it is given a certificate. */
export async function startTestStore(
  tls?: { readonly cert: string; readonly key: string },
): Promise<TestStore> {
  const puts: TestStore["puts"][number][] = [];
  const take: RequestListener = (request, response) => {
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => text += chunk);
    request.on("end", () => {
      const { host = "", "content-length": length = "" } = request.headers;
      puts.push({ path: request.url ?? "", host, length, text });
      response.end();
    });
  };
  const server = tls === undefined ? createServer(take) : createSecureServer(tls, take);
  return { ...await listen(server), puts };
}

/** Starts a proxy. */
export async function startProxy({ storePort, tls, refusesWith, silent }: ProxyScript): Promise<TestProxy> {
  const asked: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const note = ({ method, url, headers }: IncomingMessage): void => {
    asked.push(`${method} ${url}`);
    authorizations.push(headers["proxy-authorization"]);
  };
  const pass: RequestListener = (asking, answer) => {
    note(asking);
    if (refusesWith !== undefined) return void answer.writeHead(refusesWith).end();
    const { "proxy-authorization": _, ...headers } = asking.headers;
    const { pathname, search } = new URL(asking.url ?? "");
    const path = `${pathname}${search}`;
    const options = { port: storePort, host: "127.0.0.1", method: asking.method ?? "", path, headers };
    asking.pipe(request({ ...options, agent: false }, (stored) => {
      answer.writeHead(stored.statusCode ?? 0);
      stored.pipe(answer);
    }));
  };
  const server = tls === undefined ? createServer(pass) : createSecureServer(tls, pass);
  server.on("connect", (asking: IncomingMessage, client: Duplex) => {
    note(asking);
    client.on("error", () => client.destroy());
    if (silent !== undefined) {
      client.on("close", silent.onLeft).on("end", () => client.end()).resume();
      return silent.onAsked();
    }
    if (refusesWith !== undefined) return void client.end(`HTTP/1.1 ${refusesWith} No\r\n\r\n`);
    const store = connect(storePort, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      store.pipe(client);
      client.pipe(store);
    });
    store.on("error", () => client.destroy());
    client.on("close", () => store.destroy());
  });
  return { ...await listen(server), asked, authorizations };
}

async function listen(server: Server): Promise<Listening> {
  const sockets = new Set<Duplex>();
  server.on("connection", (socket: Duplex) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // An address and not a path, since it listens on TCP.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: () => {
      for (const each of sockets) each.destroy();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}
