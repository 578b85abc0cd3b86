/** Rounds of one sweep. What is left waits for the next one, and other sweeps have their turn. */
export const ROUNDS_MAX = 20;

/**
 * Repeats a round of a sweep for as long as there is more, so that a sweep keeps up with many deploys a minute.
 *
 * @param round resolves to `true` when it was full and removed something
 */
export async function inRounds(signal: AbortSignal, round: () => Promise<boolean>): Promise<void> {
  for (let rounds = 0; rounds < ROUNDS_MAX; rounds++) {
    signal.throwIfAborted();
    if (!await round()) return;
  }
}
