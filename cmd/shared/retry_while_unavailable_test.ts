import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { retryWhileUnavailable } from "./retry_while_unavailable.ts";

const UNTRUSTED = "error sending request: client error (Connect): invalid peer certificate: UnknownIssuer";

/** The number of calls until the command gives up; waits take no time. */
async function callsUntil(error: unknown): Promise<number> {
  let calls = 0;
  const clock = { now: () => 0, sleep: () => Promise.resolve() };
  const call = () => Promise.reject(++calls > 20 ? new Error("without end") : error);
  await assert.rejects(retryWhileUnavailable({ clock, signal: new AbortController().signal }, call));
  return calls;
}

const CASES: readonly (readonly [name: string, error: unknown, calls: number])[] = [
  ["nothing answers", new ConnectError("The connection failed: refused.", Code.Unavailable), 6],
  ["it is too slow", new ConnectError("No answer.", Code.DeadlineExceeded), 6],
  ["a wrong key", new ConnectError("no", Code.Unauthenticated), 1],
  [
    "a certificate that is not trusted",
    new ConnectError(
      "x",
      Code.Unavailable,
      undefined,
      undefined,
      new TypeError("x", { cause: new Error(UNTRUSTED) }),
    ),
    1,
  ],
];

Deno.test("retryWhileUnavailable() repeats a call while that can mend it, and only then", async (t) => {
  for (const [name, error, calls] of CASES) {
    await t.step(name, async () => assert.equal(await callsUntil(error), calls));
  }
});
