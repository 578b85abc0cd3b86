import { Buffer } from "node:buffer";
import type { ChunkReference } from "../../../../pkg/content/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import type { ContextsTable } from "../store/mod.ts";

/** The manifest's chunks as a row holds them. */
export function encodeManifest(chunks: readonly ChunkReference[]): string {
  return JSON.stringify(
    chunks.map(({ digest, bytes }) => [Buffer.from(digest).toString("base64url"), bytes]),
  );
}

/** The chunks of a context's manifest, in order. @throws `internal` for a row that this program did not write */
export function manifestOf(
  { id, manifest }: Pick<ContextsTable, "id" | "manifest">,
): readonly ChunkReference[] {
  const rows: unknown = JSON.parse(manifest);
  if (!Array.isArray(rows)) throw broken(id);
  return rows.map((row: unknown) => {
    const [digest, bytes]: readonly unknown[] = Array.isArray(row) ? row : [];
    if (typeof digest !== "string" || typeof bytes !== "number") throw broken(id);
    return { digest: new Uint8Array(Buffer.from(digest, "base64url")), bytes };
  });
}

function broken(id: string): Fault {
  return new Fault("internal", `the manifest of ${id} cannot be read`);
}
