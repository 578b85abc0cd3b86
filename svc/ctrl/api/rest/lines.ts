/** Streams of REST: one JSON value in each line (NDJSON). */
import { z } from "zod";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import type { StreamShares } from "../../internal/limits/mod.ts";
import { named } from "./named.ts";
import { problemOf, problemShape } from "./problem.ts";

export const HEARTBEAT = { kind: "heartbeat" } as const;
export const heartbeatShape = named("Heartbeat", z.object({ kind: z.literal("heartbeat") }));

export const failureShape = named(
  "StreamFailure",
  z.object({ kind: z.literal("error"), error: problemShape }),
  "The last line of a stream that was ended by a failure.",
);

/** The last line of a stream that fails. */
export function streamFailure(error: unknown): z.infer<typeof failureShape> {
  const { title, type, detail, status } = problemOf(error);
  return { kind: "error", error: { title, type, detail, status } };
}

/** The parts of a stream. */
interface Source<T, L> {
  /** Fails as the stream would at once. */
  readonly check: () => Promise<unknown>;
  readonly follow: () => AsyncIterable<T>;
  readonly encode: (message: T) => L;
}

/**
 * Opens a stream that counts as one of the workspace's. It begins with a heartbeat, so that the status of the answer does
 * not wait for the first message. `signal` aborts when its client leaves, which ends it also when it is never read: a
 * generator that was not begun passes its end on to no other.
 *
 * @throws the faults that the stream begins with, while the answer can still have their status
 */
export async function openLines<T, L>(
  streams: StreamShares,
  { workspaceId }: RootKeyPrincipal,
  { check, follow, encode }: Source<T, L>,
  signal: AbortSignal,
): Promise<AsyncIterable<L | typeof HEARTBEAT>> {
  await check();
  const counted = streams.counted<L | typeof HEARTBEAT>(workspaceId, async function* () {
    yield HEARTBEAT;
    for await (const message of follow()) yield encode(message);
  });
  const first = await counted.next();
  const leave = (): void => void counted.return(undefined).catch(() => undefined);
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  return (async function* () {
    try {
      if (first.done !== true) yield first.value;
      yield* counted;
    } finally {
      signal.removeEventListener("abort", leave);
      await counted.return(undefined);
    }
  })();
}
