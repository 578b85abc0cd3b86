import assert from "node:assert/strict";
import { cpuUsage } from "node:process";
import { jsonLines } from "./mod.ts";

/** An answer that comes in these pieces. */
function answer(pieces: readonly string[]): Response {
  const encoder = new TextEncoder();
  return new Response(ReadableStream.from(pieces.map((each) => encoder.encode(each))));
}

async function read(pieces: readonly string[], rest: "a value" | "cut off"): Promise<unknown[]> {
  const { signal } = new AbortController();
  const fault = (): Error => new Error("broken");
  return await Array.fromAsync(jsonLines(answer(pieces), { signal, fault, rest }));
}

Deno.test("jsonLines() puts values together however they are cut, and handles a missing newline at the end", async () => {
  const pieces = ['{"a"', ":1}\n\n[2", ']\n"', 'ü"\n', "3"];
  assert.deepEqual(await read(pieces, "cut off"), [{ a: 1 }, [2], "ü"]);
  assert.deepEqual(await read(pieces, "a value"), [{ a: 1 }, [2], "ü", 3]);
  await assert.rejects(read(['{"a"'], "a value"), /broken/);
  assert.deepEqual(await read(['{"a"'], "cut off"), []);
  await assert.rejects(read(["no\n"], "cut off"), /broken/);
});

Deno.test("jsonLines() ends with the signal's fault, and leaves nothing open", async () => {
  const stop = new AbortController();
  let open = true;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("1\n")),
    cancel: () => void (open = false),
  });
  const reading = { signal: stop.signal, fault: (error: unknown) => error, rest: "cut off" } as const;
  const values = jsonLines(new Response(body), reading);
  assert.equal((await values.next()).value, 1);
  const next = values.next();
  stop.abort(new Error("stopped"));
  await assert.rejects(next, /stopped/);
  assert.equal(open, false);
});

/** An event of many megabytes comes in small pieces; the work that is done for each must not grow with what has come. */
Deno.test("jsonLines() reads a long value in time that is proportional to its length", async () => {
  const value = "x".repeat(4_000_000);
  const pieces = `"${value}"\n`.match(/[^]{1,1000}/g) ?? [];
  const before = cpuUsage();
  assert.deepEqual(await read(pieces, "cut off"), [value]);
  const { user, system } = cpuUsage(before);
  assert.ok(user + system < 3_000_000, `${user + system} µs`);
});
