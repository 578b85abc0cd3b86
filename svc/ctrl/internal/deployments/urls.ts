/**
 * A host name as a browser takes it: with the scheme and port of the edge.
 *
 * ```ts
 * urlOf("http://localhost:7070", "shop-acme.localhost"); // "http://shop-acme.localhost:7070"
 * ```
 */
export function urlOf(edgeUrl: string, hostname: string): string {
  const { protocol, port } = new URL(edgeUrl);
  return `${protocol}//${hostname}${port === "" ? "" : `:${port}`}`;
}
