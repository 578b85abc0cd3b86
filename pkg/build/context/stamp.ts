import { createHash } from "node:crypto";
import type { ContextEntry } from "./tree.ts";

/** Synchronous work after which timers and signals get their turn. */
const WORK_MS_MAX = 25;
const NANOSECONDS = 1_000_000_000n;

/** A digest of the files whose times are whole seconds; empty when there are none. */
export async function stampDigest(
  entries: readonly ContextEntry[],
  read: (entry: ContextEntry) => Iterable<Uint8Array>,
  signal: AbortSignal,
): Promise<string> {
  const digest = createHash("sha256");
  let found = false;
  let restedMs = performance.now();
  for (const entry of entries) {
    if (entry.kind !== "file" || entry.size === 0 || entry.modifiedAtNs % NANOSECONDS !== 0n) continue;
    found = true;
    const content = createHash("sha256");
    for (const piece of read(entry)) {
      content.update(piece);
      if (performance.now() - restedMs < WORK_MS_MAX) continue;
      await new Promise((resolve) => setTimeout(resolve, 0));
      signal.throwIfAborted();
      restedMs = performance.now();
    }
    digest.update(`${entry.path}\0`).update(content.digest());
  }
  return found ? digest.digest("hex") : "";
}
