export { eventually, type WaitOptions } from "../../pkg/testkit/eventually.ts";
export { freePort } from "../../pkg/testkit/ports.ts";

/** True when a GET answers 200. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
