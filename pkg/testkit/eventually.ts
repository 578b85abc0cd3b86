export interface WaitOptions {
  /** Generous: a slow machine must not fail a test. */
  readonly deadlineMs?: number;
  readonly everyMs?: number;
}

/** Polls until `condition` is true. An error from it ends the wait at once. */
export async function eventually(
  what: string,
  condition: () => Promise<boolean> | boolean,
  { deadlineMs = 180_000, everyMs = 50 }: WaitOptions = {},
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited ${deadlineMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
