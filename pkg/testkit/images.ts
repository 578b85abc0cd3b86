import type { Engine } from "../docker/mod.ts";

/** Gives an image another name, which has a tag. */
export async function tagImage(
  engine: Engine,
  source: string,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const [repo, tag] = split(target);
  const path = `/images/${source.split("/").map(encodeURIComponent).join("/")}/tag`;
  const response = await engine.call({ method: "POST", path, query: { repo, tag }, signal });
  await response.body?.cancel();
}

/** Makes an image of one layer from a tar of a root file system, with Dockerfile instructions like `ENV PATH=/bin`. */
export async function importImage(
  engine: Engine,
  { tar, reference, changes }: {
    readonly tar: Uint8Array;
    readonly reference: string;
    readonly changes: readonly string[];
  },
  signal: AbortSignal,
): Promise<void> {
  const [repo, tag] = split(reference);
  const search = new URLSearchParams({ fromSrc: "-", repo, tag });
  for (const each of changes) search.append("changes", each);
  const path = `/images/create?${search}`;
  const response = await engine.call({ method: "POST", path, body: tar, signal, timeoutMs: 120_000 });
  const text = await response.text();
  if (text.includes('"error":')) throw new Error(`Docker cannot import "${reference}": ${text}`);
}

function split(reference: string): readonly [repository: string, tag: string] {
  const at = reference.lastIndexOf(":");
  return [reference.slice(0, at), reference.slice(at + 1)];
}
