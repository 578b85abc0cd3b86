export { freePort } from "../../pkg/testkit/ports.ts";

/** How long a test waits for a condition. Generous: a slow machine must not fail a test. */
export interface WaitOptions {
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

/** Whether a GET answers 200. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
