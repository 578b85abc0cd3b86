import assert from "node:assert/strict";
import { cpuUsage } from "node:process";
import { TerminalLines } from "./terminal_lines.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const latin = (text: string): Uint8Array => Uint8Array.from(text, (each) => each.charCodeAt(0));

function utf16(text: string, littleEndian: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(2 * text.length));
  for (let at = 0; at < text.length; at++) view.setUint16(2 * at, text.charCodeAt(at), littleEndian);
  return new Uint8Array(view.buffer);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((each) => [...each]));
}

function lines(bytes: Uint8Array, size = Infinity): string[] {
  const terminal = new TerminalLines();
  const all: string[] = [];
  for (let at = 0; at < bytes.length; at += size) all.push(...terminal.push(bytes.subarray(at, at + size)));
  return [...all, ...terminal.end()];
}

const CASES: readonly {
  readonly name: string;
  readonly output: string | Uint8Array;
  readonly shown: readonly string[];
}[] = [
  { name: "lines, an empty one, and a last one without an end", output: "a\n\nb", shown: ["a", "", "b"] },
  { name: "line ends of Windows", output: "a\r\nb\r\n", shown: ["a", "b"] },
  { name: "a progress bar", output: "10%\r50%\r100%\r\n", shown: ["100%"] },
  { name: "a progress bar without an end", output: "10%\r20%\r30%", shown: ["30%"] },
  { name: "a shorter rewrite", output: "downloading\rdone\n", shown: ["doneloading"] },
  { name: "a carriage return before the text", output: "\rone\n\rtwo\n", shown: ["one", "two"] },
  { name: "backspaces", output: "1%\b\b2%\b\b\b\b3\n", shown: ["3%"] },
  { name: "colours", output: "\x1b[1;31merror\x1b[0m: no\n", shown: ["error: no"] },
  { name: "erase to the end of the line", output: "50 percent\r9\x1b[K\n", shown: ["9"] },
  { name: "erase the line, then write it again", output: "50 percent\x1b[2K\r9\n", shown: ["9"] },
  { name: "erase the line in the middle", output: "abc\x1b[2Kd\n", shown: ["   d"] },
  { name: "erase the line at its end", output: "abc\x1b[2K\n", shown: [""] },
  { name: "erase to the cursor", output: "abcd\b\b\x1b[1K\n", shown: ["   d"] },
  { name: "column and cursor sequences", output: "abc\x1b[1Gx\x1b[Cy\x1b[2Dz\n", shown: ["xzy"] },
  {
    name: "a link and a title",
    output: "\x1b]8;;http://x\x1b\\text\x1b]8;;\x07 \x1b]0;title\x07end\n",
    shown: ["text end"],
  },
  { name: "a title that never ends", output: "a\x1b]0;title\nb\n", shown: ["a", "b"] },
  { name: "other sequences", output: "\x1b(Ba\x1b7b\x1b[?25lc\x1bPq#0\x1b\\d\n", shown: ["abcd"] },
  { name: "a sequence that is cut by a line end", output: "a\x1b[31\nb\x1b\nc\n", shown: ["a", "b", "c"] },
  { name: "control characters, and tabs", output: "a\x07\x0b\x7f\u0085\tb\n", shown: ["a\tb"] },
  { name: "text of several bytes a letter", output: "é中😀\n", shown: ["é中😀"] },
  { name: "bytes that are no text", output: latin("a\xe9b\n"), shown: ["a\ufffdb"] },
  { name: "a byte order mark", output: "\ufeffa\n", shown: ["a"] },
  { name: "a NUL", output: "key=1\0after\n", shown: ["key=1after"] },
  { name: "records that end in NUL", output: "one\0two\0\n", shown: ["onetwo"] },
  { name: "UTF-16 without a line end", output: utf16("ERRO", true), shown: ["ERRO"] },
  { name: "UTF-16, little end first", output: utf16("Größe 中\nb\n", true), shown: ["Größe 中", "b"] },
  { name: "UTF-16, big end first", output: utf16("Größe 中\nb\n", false), shown: ["Größe 中", "b"] },
  { name: "UTF-16 with a mark", output: utf16("\ufeff中文😀\r\n", true), shown: ["中文😀"] },
  {
    name: "UTF-16 between lines of UTF-8",
    output: concat(encode("before é\n"), utf16("error: 中\n中文中文中文\n", true), encode("after é\n")),
    shown: ["before é", "error: 中", "中文中文中文", "after é"],
  },
];

Deno.test("TerminalLines shows output as a terminal does, however it is cut", async (t) => {
  for (const { name, output, shown } of CASES) {
    const bytes = typeof output === "string" ? encode(output) : output;
    await t.step(name, () => {
      for (const size of [Infinity, 1, 2, 3, 7]) {
        assert.deepEqual(lines(bytes, size), shown, `in chunks of ${size} bytes`);
      }
    });
  }
});

Deno.test("TerminalLines keeps both ends of a long line", async (t) => {
  const long = `begin${"x".repeat(16_336)}end`;
  for (
    const [name, output, shown] of [
      ["4,096 characters are shown whole", "x".repeat(4_096), "x".repeat(4_096)],
      [
        "more are not",
        long,
        `${long.slice(0, 2_000)} ... 12,344 characters are missing here ... ${long.slice(-2_000)}`,
      ],
      [
        "a rewrite changes the beginning",
        `${long}\rBEGIN`,
        `BEGIN${long.slice(5, 2_000)} ... 12,344 characters are missing here ... ${long.slice(-2_000)}`,
      ],
      ["a shorter line takes its place", `${long}\r\x1b[Kshort`, "short"],
      [
        "a rewrite of the end",
        `${long}\b\b\bEND`,
        `${long.slice(0, 2_000)} ... 12,344 characters are missing here ... ${long.slice(-2_000, -3)}END`,
      ],
      [
        "text of two units a letter",
        "😀".repeat(5_000),
        `${"😀".repeat(2_000)} ... 1,000 characters are missing here ... ${"😀".repeat(2_000)}`,
      ],
    ] as const
  ) {
    await t.step(name, () => {
      assert.deepEqual(lines(encode(`${output}\nnext\n`)), [shown, "next"]);
      assert.deepEqual(lines(encode(`${output}\nnext\n`), 1_000), [shown, "next"]);
    });
  }
  await t.step("after a jump back into the part that was let go", () => {
    const [line = ""] = lines(encode(`${"x".repeat(10_000)}\x1b[5001G\x1b[Kend\n`));
    assert.equal(line, `${"x".repeat(2_000)} ... 3,000 characters are missing here ... end`);
  });
});

const MEGABYTE = 1_000_000;
/** Of the processor, which other programs do not slow: it takes a tenth of a second, and took 24. */
const WORST_MS_MAX = 10_000;
const repeated = (text: string): Uint8Array =>
  latin(text.repeat(Math.ceil(MEGABYTE / text.length)).slice(0, MEGABYTE));

/** 0.9 MB of carriage returns stopped a worker, and the builds of all users with it, for 24 seconds. */
Deno.test("TerminalLines takes a megabyte of the worst output in little time", async (t) => {
  const worst: readonly (readonly [string, Uint8Array, number?])[] = [
    ["carriage returns", repeated("\r")],
    ["carriage returns before a letter", repeated(`${"\r".repeat(30_000)}x`)],
    ["control sequences", repeated("\x1b[")],
    ["one endless control sequence", repeated("\x1b[".padEnd(MEGABYTE, "1"))],
    ["one endless title", repeated("\x1b]".padEnd(MEGABYTE, "1"))],
    ["backspaces", repeated("\b")],
    ["NUL", repeated("\0")],
    ["NUL and line ends", repeated("\0\n")],
    ["line ends", repeated("\n")],
    ["one line", repeated("x")],
    ["single bytes", repeated("x\n"), 1],
    ["single NULs", repeated("\0"), 1],
    ["erased lines", latin(`${"x".repeat(5_000)}${"\x1b[2Kx".repeat(MEGABYTE / 5)}`)],
    ["lines of changing encodings", repeated("a\0b\0c\0d\0\n\0abcdefgh\n")],
    ["UTF-16 without letters of Latin", concat(utf16("a\n中中中中中\n".repeat(MEGABYTE / 16), true))],
    ["marks", repeated("\xff\xfe")],
  ];
  for (const [name, bytes, size = 32_768] of worst) {
    await t.step(name, () => {
      const before = cpuUsage();
      lines(bytes, size);
      const { user, system } = cpuUsage(before);
      const tookMs = (user + system) / 1_000;
      assert.ok(tookMs < WORST_MS_MAX, `${name} took ${Math.round(tookMs)} ms`);
    });
  }
});
