import assert from "node:assert/strict";
import { type ArchiveOptions, type ContextArchive, openArchive } from "./archive.ts";
import type { ContextEntry } from "./tree.ts";

const BLOCK = 512;
const encoder = new TextEncoder();

/** Fields of a header that a test sets; numbers are written in octal. */
export interface Header {
  readonly name: string | Uint8Array;
  readonly type?: string;
  readonly mode?: number;
  /** By default the length of the content. */
  readonly size?: number;
  readonly mtime?: number | Uint8Array;
  readonly target?: string;
  readonly content?: string | Uint8Array;
}

/** One entry of an archive: its header with the right sum, and its content. */
export function tarEntry(header: Header): Uint8Array {
  const { name, type = "0", mode = 0o644, mtime = 1_700_000_000, target = "", content = "" } = header;
  const data = bytesOf(content);
  const block = new Uint8Array(BLOCK + Math.ceil(data.length / BLOCK) * BLOCK);
  block.set(bytesOf(name).subarray(0, 100), 0);
  block.set(bytesOf(octal(mode, 7)), 100);
  block.set(bytesOf(octal(header.size ?? data.length, 11)), 124);
  block.set(typeof mtime === "number" ? bytesOf(octal(mtime, 11)) : mtime, 136);
  block.set(bytesOf(type), 156);
  block.set(bytesOf(target).subarray(0, 100), 157);
  block.set(bytesOf("ustar\0" + "00"), 257);
  block.set(data, BLOCK);
  block.fill(0x20, 148, 156);
  block.set(bytesOf(`${octal(block.subarray(0, BLOCK).reduce((sum, byte) => sum + byte, 0), 6)}\0 `), 148);
  return block;
}

/** Attributes of POSIX.1-2001 for the entry behind them. */
export function paxEntry(attributes: Readonly<Record<string, string>>, type = "x"): Uint8Array {
  const records = Object.entries(attributes).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    const bytes = encoder.encode(rest).length;
    let length = bytes + 1;
    while (String(length).length + bytes !== length) length++;
    return `${length}${rest}`;
  });
  return tarEntry({ name: "PaxHeader", type, content: records.join("") });
}

/** An archive with the two empty blocks at its end. */
export function tarOf(...entries: readonly (Header | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const parts = entries.map((each) => each instanceof Uint8Array ? each : tarEntry(each));
  return joined([...parts, new Uint8Array(2 * BLOCK)]);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"))).bytes();
}

/** A folder for the time of a test; it must be empty at the end. */
export class Scratch implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<Scratch> {
    return new Scratch(await Deno.makeTempDir({ prefix: "unkey-context-test-" }));
  }

  open(
    bytes: Uint8Array,
    options: Partial<ArchiveOptions> & { chunk?: number } = {},
  ): Promise<ContextArchive> {
    const { chunk = 64 * 1024, ...rest } = options;
    return openArchive(streamOf(bytes, chunk), {
      temporaryDirectory: this.path,
      bytesMax: 64 * 1024 * 1024,
      entriesMax: 1_000,
      signal: new AbortController().signal,
      ...rest,
    });
  }

  left(): readonly string[] {
    return [...Deno.readDirSync(this.path)].map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const left = this.left();
    await Deno.remove(this.path, { recursive: true });
    assert.deepEqual(left, [], "nothing is left in the temporary directory");
  }
}

export function streamOf(bytes: Uint8Array, chunk: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + chunk));
      at += chunk;
    },
  });
}

/** Each entry as one line: kind, mode, path, target, content. */
export async function described(archive: ContextArchive): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const entry of archive.entries) {
    const { kind, mode, path, target } = entry;
    const content = kind === "file" ? ` = ${await contentOf(archive, entry)}` : "";
    lines.push(`${kind} ${mode.toString(8)} ${path}${target === "" ? "" : ` -> ${target}`}${content}`);
  }
  return lines;
}

export async function contentOf(archive: ContextArchive, entry: ContextEntry): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const piece of archive.read(entry, new AbortController().signal)) parts.push(piece);
  return new TextDecoder().decode(joined(parts));
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === "string" ? encoder.encode(value) : value;
}
