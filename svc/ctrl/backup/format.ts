/** The files of a backup: a manifest, and for each table its rows as lines of JSON, compressed. */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { publicFault } from "../../../pkg/fault/mod.ts";
import type { Cell, DumpedRow } from "../internal/store/mod.ts";

export const FORMAT = 1;
const MANIFEST = "manifest.json";
/** A row has at most some MiB of output. */
const LINE_CHARACTERS_MAX = 64 * 1024 * 1024;

const Manifest = z.object({
  format: z.literal(FORMAT),
  /** The moment that all rows are of. */
  takenAtMs: z.number(),
  migrations: z.array(z.string()),
  tables: z.array(z.object({ name: z.string(), rows: z.number(), sha256: z.string() })),
});

/** Written last: a folder without it is no backup. */
export type Manifest = z.infer<typeof Manifest>;
export type TableEntry = Manifest["tables"][number];

/** @throws `failed_precondition` for a folder that is no backup of a form that this program reads */
export async function readManifest(folder: string): Promise<Manifest> {
  try {
    return Manifest.parse(JSON.parse(await Deno.readTextFile(join(folder, MANIFEST))));
  } catch (cause) {
    throw publicFault("failed_precondition", `${folder} is no backup of "unkey ctrl backup".`, cause);
  }
}

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
  await Deno.writeTextFile(join(folder, MANIFEST), text, { mode: 0o600, createNew: true });
}

/** Writes the rows of a table; the file holds secrets, sealed and hashed, and is for its owner only. */
export async function writeTable(
  folder: string,
  name: string,
  pages: AsyncIterable<readonly DumpedRow[]>,
): Promise<TableEntry> {
  let rows = 0;
  const hash = createHash("sha256");
  const encoder = new TextEncoder();
  const lines = async function* (): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for await (const page of pages) {
      rows += page.length;
      const bytes = encoder.encode(page.map((row) => `${JSON.stringify(row, encodeCell)}\n`).join(""));
      hash.update(bytes);
      yield bytes;
    }
  };
  const file = await Deno.open(tablePath(folder, name), {
    write: true,
    create: true,
    truncate: true,
    mode: 0o600,
  });
  await ReadableStream.from(lines()).pipeThrough(new CompressionStream("gzip")).pipeTo(file.writable);
  return { name, rows, sha256: hash.digest("hex") };
}

/**
 * The rows of a table, a few at a time.
 *
 * @throws `failed_precondition` after the last of them when they are not those that were written
 */
export async function* readTable(folder: string, entry: TableEntry): AsyncGenerator<readonly DumpedRow[]> {
  const hash = createHash("sha256");
  const file = await Deno.open(tablePath(folder, entry.name)).catch((cause: unknown) => {
    throw damaged(folder, entry, cause);
  });
  const decoder = new TextDecoder();
  let rest = "";
  let rows = 0;
  try {
    for await (const bytes of file.readable.pipeThrough(new DecompressionStream("gzip"))) {
      hash.update(bytes);
      const [...lines] = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > LINE_CHARACTERS_MAX) throw new RangeError("a line is too long");
      rows += lines.length;
      if (lines.length > 0) yield lines.map(decodeRow);
    }
  } catch (cause) {
    throw damaged(folder, entry, cause);
  }
  if (rest !== "" || rows !== entry.rows || hash.digest("hex") !== entry.sha256) throw damaged(folder, entry);
}

/**
 * Reads all rows once, before any is used.
 *
 * @throws `failed_precondition` when some of them are not those that were written
 */
export async function verifyTables(folder: string, { tables }: Manifest): Promise<void> {
  for (const entry of tables) {
    let rows = 0;
    for await (const page of readTable(folder, entry)) rows += page.length;
  }
}

function tablePath(folder: string, name: string): string {
  return join(folder, `${name}.ndjson.gz`);
}

/** Bytes are not text. */
function encodeCell(_name: string, value: unknown): unknown {
  // A Buffer of the MySQL client has turned itself into an object by now.
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString("base64") };
  const { data } = BufferJson.safeParse(value);
  return data === undefined ? value : { base64: Buffer.from(data.data).toString("base64") };
}

const BufferJson = z.object({ type: z.literal("Buffer"), data: z.array(z.number()) });
const Row = z.record(
  z.string(),
  z.union([
    z.string(),
    z.number(),
    z.null(),
    z.object({ base64: z.base64() }).transform(({ base64 }): Uint8Array =>
      new Uint8Array(Buffer.from(base64, "base64"))
    ),
  ]),
);

function decodeRow(line: string): Record<string, Cell> {
  return Row.parse(JSON.parse(line));
}

function damaged(folder: string, { name }: TableEntry, cause?: unknown) {
  const text =
    `The backup ${folder} is damaged: the rows of ${name} are not those that were written. Take another copy.`;
  return publicFault("failed_precondition", text, cause);
}
