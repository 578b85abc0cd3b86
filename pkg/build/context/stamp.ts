import { createHash } from "node:crypto";
import { CooperativeYield } from "../../async/mod.ts";
import type { ContextEntry } from "./tree.ts";

const NANOSECONDS = 1_000_000_000n;

/** A digest of the files whose times are whole seconds; empty when there are none. */
export async function stampDigest(
  entries: readonly ContextEntry[],
  read: (entry: ContextEntry) => Iterable<Uint8Array>,
  signal: AbortSignal,
): Promise<string> {
  const digest = createHash("sha256");
  let found = false;
  const cooperativeYield = new CooperativeYield(signal);
  for (const entry of entries) {
    if (entry.kind !== "file" || entry.size === 0 || entry.modifiedAtNs % NANOSECONDS !== 0n) continue;
    found = true;
    const content = createHash("sha256");
    for (const piece of read(entry)) {
      content.update(piece);
      await cooperativeYield.pause();
    }
    digest.update(`${entry.path}\0`).update(content.digest());
  }
  return found ? digest.digest("hex") : "";
}
