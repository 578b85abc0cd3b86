/** The writes of a process, in their order, from what strace saw of it. */

/** A change of a file or of a name, a sync of one of them, or a line of standard output. */
export type Event =
  | { readonly kind: "write"; readonly path: string; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "truncate"; readonly path: string; readonly size: number }
  | { readonly kind: "rename"; readonly path: string; readonly to: string }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "sync"; readonly path: string }
  | { readonly kind: "said"; readonly line: string };

const CALLS = "openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat2,unlink,unlinkat";
const TEXT_BYTES_MAX = 1 << 20;
const CALL = /^(\w+)\((.*)\)\s+= (-?\d+)/s;
const FILE = String.raw`(\d+)<([^>]*)>`;
const TEXT = String.raw`"((?:\\x[0-9a-f]{2})*)"`;

/** Runs a program below strace to its end, and returns its writes. */
export async function traced(args: readonly string[], log: string): Promise<readonly Event[]> {
  const options = [
    "-f",
    "--seccomp-bpf",
    "-qq",
    "-y",
    "-xx",
    "-s",
    String(TEXT_BYTES_MAX),
    "-e",
    `trace=${CALLS}`,
    "-o",
    log,
  ];
  const program = new Deno.Command("strace", { args: [...options, ...args], stdin: "null" });
  const { success, stderr } = await program.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return parseTrace(await Deno.readTextFile(log));
}

/** The events of calls that did not fail, each where its call ended. */
export function parseTrace(text: string): readonly Event[] {
  const begun = new Map<string, string>();
  // By path: Deno writes through a copy of the descriptor that it opened.
  const positions = new Map<string, number>();
  const events: Event[] = [];
  for (const line of text.split("\n")) {
    const [, thread = "", rest = ""] = /^(\d+)\s+(.*)$/s.exec(line) ?? [];
    if (rest.endsWith("<unfinished ...>")) {
      begun.set(thread, rest.slice(0, -"<unfinished ...>".length).trimEnd());
      continue;
    }
    const [, end] = /^<\.\.\. \w+ resumed>(.*)$/s.exec(rest) ?? [];
    const [, name = "", given = "", result = "-1"] =
      CALL.exec(end === undefined ? rest : `${begun.get(thread)}${end}`) ??
        [];
    if (Number(result) < 0) continue;
    const event = eventOf(name, given, positions);
    if (event !== undefined) events.push(event);
  }
  return events;
}

function eventOf(name: string, given: string, positions: Map<string, number>): Event | undefined {
  const [, file = "", hexPath = ""] = new RegExp(`^${FILE}`).exec(given) ?? [];
  const path = textOf(hexPath);
  const texts = [...given.matchAll(new RegExp(TEXT, "g"))].map(([, hex = ""]) => bytesOf(hex));
  const [first = new Uint8Array(), second = new Uint8Array()] = texts;
  const last = Number(/(\d+)$/.exec(given)?.[1]);
  switch (name) {
    case "openat":
      positions.delete(new TextDecoder().decode(first));
      return undefined;
    case "pwrite64":
      return { kind: "write", path, at: last, bytes: first };
    case "write": {
      if (file === "1") return { kind: "said", line: new TextDecoder().decode(first).trimEnd() };
      const at = positions.get(path) ?? 0;
      positions.set(path, at + first.length);
      return { kind: "write", path, at, bytes: first };
    }
    case "ftruncate":
      return { kind: "truncate", path, size: last };
    case "fsync":
    case "fdatasync":
      return { kind: "sync", path };
    case "rename":
    case "renameat2":
      return {
        kind: "rename",
        path: new TextDecoder().decode(first),
        to: new TextDecoder().decode(second),
      };
    case "unlink":
    case "unlinkat":
      return { kind: "remove", path: new TextDecoder().decode(first) };
    default:
      return undefined;
  }
}

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(hex.replaceAll("\\x", ""));
}

function textOf(hex: string): string {
  return new TextDecoder().decode(bytesOf(hex));
}
