/** Bodies of streams: written as fast as the client reads, and cut when it does not read at all. */
import { setImmediate } from "node:timers";

const CHUNK_BYTES_MAX = 32 * 1024;

interface Flow {
  /** Since when something waits to be taken; `undefined`: the client takes what there is. */
  readonly offeredAtMs: number | undefined;
  cut(): void;
}

/**
 * Cuts streams whose clients have stopped reading. What such a client has not taken stays in memory, so it must not stay
 * for ever. One timer for all streams, and none without.
 */
export class StallGuard {
  readonly #stallMs: number;
  readonly #flows = new Set<Flow>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param stallMs how long a client may read nothing although there is something to read */
  constructor(stallMs: number) {
    this.#stallMs = stallMs;
  }

  add(flow: Flow): void {
    this.#flows.add(flow);
    this.#timer ??= setInterval(() => this.#look(), this.#stallMs / 4);
  }

  remove(flow: Flow): void {
    this.#flows.delete(flow);
    if (this.#flows.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const beforeMs = performance.now() - this.#stallMs;
    for (const flow of [...this.#flows]) {
      if (flow.offeredAtMs !== undefined && flow.offeredAtMs < beforeMs) flow.cut();
    }
  }
}

/**
 * A body of chunks that are asked for only when the client takes them; what is there at once goes out together.
 *
 * @param onGone called when the client went away, or is cut; then the chunks are ended
 */
export function flowingBody(
  chunks: AsyncIterator<Uint8Array>,
  guard: StallGuard,
  onGone: () => void,
): ReadableStream<Uint8Array> {
  let ahead: Promise<IteratorResult<Uint8Array>> | undefined;
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const flow = {
    offeredAtMs: undefined as number | undefined,
    cut(): void {
      controller?.error(new Error("the client does not read"));
      leave();
    },
  };
  const leave = (): void => {
    guard.remove(flow);
    onGone();
    // It may have thrown, or throw now: nobody is there to be told.
    Promise.resolve(chunks.return?.()).catch(() => undefined);
  };
  return new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
      guard.add(flow);
    },
    async pull(given) {
      flow.offeredAtMs = undefined;
      try {
        const first = await (ahead ?? chunks.next());
        ahead = undefined;
        if (first.done !== true) {
          const parts = [first.value];
          ahead = (await gather(parts, chunks)).ahead;
          flow.offeredAtMs = performance.now();
          return given.enqueue(joined(parts));
        }
        guard.remove(flow);
        given.close();
      } catch (error) {
        guard.remove(flow);
        given.error(error);
      }
    },
    cancel: () => leave(),
  }, { highWaterMark: 0 });
}

/** Adds what follows without a wait; returns what it asked for last and does not have yet. */
async function gather(
  parts: Uint8Array[],
  chunks: AsyncIterator<Uint8Array>,
): Promise<{ readonly ahead: Promise<IteratorResult<Uint8Array>> | undefined }> {
  for (let bytes = parts[0]?.length ?? 0; bytes < CHUNK_BYTES_MAX;) {
    const next = chunks.next();
    const result = await Promise.race([next, soon()]);
    if (result === undefined || result.done === true) return { ahead: next };
    parts.push(result.value);
    bytes += result.value.length;
  }
  return { ahead: undefined };
}

function soon(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
