import { publicFault } from "../../pkg/fault/mod.ts";

/** How a stream was left: it came to its end, or nothing came for too long. */
export type StreamEnd = "ended" | "silent";

/** How long a stream may say nothing, in milliseconds. */
export interface Silence {
  readonly firstMsMax: number;
  readonly betweenMsMax: number;
}

/**
 * Hands over the messages of a stream until it ends or is silent for too long.
 *
 * @throws what the stream fails with; `deadline_exceeded` when not even one message came
 */
export async function readStream<T>(
  open: (signal: AbortSignal) => AsyncIterable<T>,
  { signal, silence }: { readonly signal: AbortSignal; readonly silence: Silence },
  onMessage: (message: T) => void,
): Promise<StreamEnd> {
  const silent = new AbortController();
  let count = 0;
  let timer = setTimeout(() => silent.abort(), silence.firstMsMax);
  try {
    for await (const message of open(AbortSignal.any([signal, silent.signal]))) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), silence.betweenMsMax);
      count++;
      onMessage(message);
    }
    return "ended";
  } catch (error) {
    if (!silent.signal.aborted || signal.aborted) throw error;
    if (count > 0) return "silent";
    throw publicFault("deadline_exceeded", `nothing came within ${silence.firstMsMax} ms`, error);
  } finally {
    clearTimeout(timer);
  }
}
