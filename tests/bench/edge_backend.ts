/**
 * The app behind the edge, as a process of its own: a small text for everything, 1 GiB at `/down`, and the number of
 * bytes it got at `/up`. Prints its port.
 */
// deno-lint-ignore-file no-console -- its port is its output
const CHUNK = new Uint8Array(64 * 1024);
export const LARGE_BYTES = 1024 * 1024 * 1024;

function down(): Response {
  let left = LARGE_BYTES;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(CHUNK);
      left -= CHUNK.length;
      if (left <= 0) controller.close();
    },
  });
  return new Response(body, { headers: { "content-length": String(LARGE_BYTES) } });
}

async function up(request: Request): Promise<Response> {
  let bytes = 0;
  for await (const chunk of request.body ?? []) bytes += chunk.length;
  return new Response(String(bytes));
}

if (import.meta.main) {
  Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) }, (request) => {
    const path = request.url.slice(request.url.indexOf("/", 8));
    if (path === "/down") return down();
    if (path === "/up") return up(request);
    return new Response("hello world, a small response\n");
  });
}
