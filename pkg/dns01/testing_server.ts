/** A server over HTTP in the place of a provider's. */

/** A request as the provider would get it. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** Serves on a free port until it is disposed of. */
export function serve(
  answer: (request: Received) => Response,
): { readonly url: string; readonly seen: readonly string[]; [Symbol.asyncDispose](): Promise<void> } {
  const seen: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      const { method, headers } = request;
      seen.push(`${method} ${pathname}${search}`);
      return answer({ method, path: `${pathname}${search}`, headers, body: await request.text() });
    },
  );
  const { port } = server.addr;
  return { url: `http://127.0.0.1:${port}`, seen, [Symbol.asyncDispose]: () => server.shutdown() };
}
