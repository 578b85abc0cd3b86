import { z } from "zod";
import { digestOf } from "../../../../pkg/hash/mod.ts";
import type { DesiredDeployment } from "../deployment/desired.ts";

/** State of an agent that outlives its process. */
export interface AgentState {
  readonly cursor: number;
  /** The highest generation of a report. */
  readonly generation: number;
  /** Digest of the desired states at the cursor: with another one after a restart, the cursor is not valid. */
  readonly desiredDigest: string;
}

const State = z.object({
  cursor: z.number().int().nonnegative(),
  generation: z.number().int().nonnegative(),
  desiredDigest: z.string(),
});

const EMPTY: AgentState = { cursor: 0, generation: 0, desiredDigest: "" };

/** Reads the state. A missing or broken file gives an empty state: the agent asks for a snapshot. */
export async function readState(path: string): Promise<AgentState> {
  try {
    return State.parse(JSON.parse(await Deno.readTextFile(path)));
  } catch (error) {
    const broken = error instanceof Deno.errors.NotFound || error instanceof SyntaxError ||
      error instanceof z.ZodError;
    if (broken) return EMPTY;
    throw error;
  }
}

/** Replaces a file as a whole: a crash leaves the old or the new content, never a part. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  const file = await Deno.open(temporary, { write: true, create: true, truncate: true, mode: 0o600 });
  try {
    const bytes = new TextEncoder().encode(text);
    for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
    await file.syncData();
  } finally {
    file.close();
  }
  await Deno.rename(temporary, path);
}

/** Digests of states, which never change: of ten thousand of them a few are new at each call, and hashing all takes 40 ms. */
const DIGESTS = new WeakMap<DesiredDeployment, string>();

/** Equal for equal sets of desired states, in any order. */
export function digestDesired(desired: readonly DesiredDeployment[]): string {
  return digestOf(desired.map(digestOne).toSorted());
}

function digestOne(desired: DesiredDeployment): string {
  const known = DIGESTS.get(desired);
  if (known !== undefined) return known;
  const env = Object.entries(desired.env).toSorted(([a], [b]) => a < b ? -1 : 1);
  const digest = digestOf(Object.entries({ ...desired, env }).toSorted(([a], [b]) => a < b ? -1 : 1));
  DIGESTS.set(desired, digest);
  return digest;
}
