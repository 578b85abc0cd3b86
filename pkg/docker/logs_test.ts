import assert from "node:assert/strict";
import { LogDemux, type LogLine } from "./logs.ts";

function frame(stream: number, text: string | Uint8Array): Uint8Array {
  const payload = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const bytes = new Uint8Array(8 + payload.length);
  bytes[0] = stream;
  new DataView(bytes.buffer).setUint32(4, payload.length);
  bytes.set(payload, 8);
  return bytes;
}

function demux(chunks: readonly Uint8Array[]): LogLine[] {
  const demux = new LogDemux();
  return [...chunks.flatMap((each) => [...demux.push(each)]), ...demux.end()];
}

const T = "2026-01-02T03:04:05";
const SECOND = 1_767_323_045_000_000_000n;

Deno.test("LogDemux gives the same lines however the bytes are cut", () => {
  const all = [
    frame(1, `${T}.5Z one\n`),
    frame(2, `${T}.000000001Z two \u00e9\r\n`),
    frame(1, `${T}Z unfinished`),
  ];
  const bytes = new Uint8Array(all.flatMap((each) => [...each]));
  const want: LogLine[] = [
    { stream: "stdout", timeNs: SECOND + 500_000_000n, text: "one" },
    { stream: "stderr", timeNs: SECOND + 1n, text: "two \u00e9" },
    { stream: "stdout", timeNs: SECOND, text: "unfinished" },
  ];
  for (const size of [1, 3, 7, 64, bytes.length]) {
    const chunks = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
    assert.deepEqual(demux(chunks), want, `pieces of ${size}`);
  }
});

Deno.test("LogDemux cuts lines that never end, and says so", () => {
  const piece = "x".repeat(40_000);
  const lines = demux([
    frame(1, `${T}Z ${piece}`),
    frame(1, piece),
    frame(1, piece),
    frame(1, `\n${T}Z next\n`),
  ]);
  const cut = `${"x".repeat(65_536 - 21)} (unkey: the line goes on, and was cut here)`;
  assert.deepEqual(lines.map((each) => each.text), [cut, "next"]);
});

Deno.test("LogDemux puts a line together that the engine cut and stamped in several frames", () => {
  const stamp = `${T}.000000001Z `;
  const piece = "x".repeat(16_384);
  const lines = demux([
    frame(1, `${stamp}${piece}`),
    frame(2, `${stamp}between\n`),
    frame(1, `${stamp}${piece}`),
    frame(1, `${stamp}end\n`),
    frame(1, `${stamp}2026-01-02T03:04:05.000000000Z of the app\n`),
  ]);
  assert.deepEqual(lines.map(({ stream, text }) => [stream, text]), [
    ["stderr", "between"],
    ["stdout", `${piece}${piece}end`],
    ["stdout", "2026-01-02T03:04:05.000000000Z of the app"],
  ]);
});

Deno.test("LogDemux keeps empty lines and lines without a time", () => {
  assert.deepEqual(demux([frame(1, `${T}Z \nplain\n`)]).map((each) => [each.timeNs, each.text]), [[
    SECOND,
    "",
  ], [0n, "plain"]]);
});
