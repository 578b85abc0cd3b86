// deno-lint-ignore-file no-console -- its lines are for the process that started it
/** A process with many parts of one kind: it says when all have started, and ends them when its input ends. */

/** Starts a part, and resolves when it has ended. */
export type StartPart = (signal: AbortSignal, onReady: () => void) => Promise<void>;

/** Starts the parts one after the other. Never returns. */
export async function runParts(parts: readonly StartPart[]): Promise<never> {
  const stop = new AbortController();
  const ends: Promise<void>[] = [];
  for (const start of parts) {
    await new Promise<void>((resolve, reject) => {
      const end = start(stop.signal, resolve);
      end.catch(reject);
      ends.push(end);
    });
  }
  console.log(JSON.stringify({ started: ends.length }));
  for await (const _ of Deno.stdin.readable);
  stop.abort();
  await Promise.all(ends);
  console.log(JSON.stringify({ ended: ends.length }));
  Deno.exit(0);
}
