import { type IncomingMessage, request } from "node:http";

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
}

const ASK_MS = 60_000;

/** Asks the edge on `port` for `url`'s host and path. */
export function askEdge(
  port: number,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const { host, pathname, search } = new URL(url);
  return askAt({ address: "127.0.0.1", port, path: `${pathname}${search}`, headers: { ...headers, host } });
}

/** Asks on a connection of its own. `fetch` would put its own host in, and DNS need not know this one. */
export function askAt(
  { address, port, path, headers }: {
    readonly address: string;
    readonly port: number;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
  },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request({
      host: address,
      port,
      path,
      headers,
      agent: false,
      signal: AbortSignal.timeout(ASK_MS),
    }, (res) => {
      res.setEncoding("utf8");
      let body = "";
      res.on("data", (chunk: string) => body += chunk);
      res.on("error", reject);
      res.on("end", () => resolve({ status: res.statusCode ?? 0, body, headers: headersOf(res) }));
    });
    req.on("error", reject);
    req.end();
  });
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
  }
  return headers;
}
