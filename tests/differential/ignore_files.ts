import { randomName } from "./names.ts";
import type { Random } from "./random.ts";

const LINES_MAX = 8;
const SNIPPETS = [
  "*",
  "**",
  "!**",
  "*/*",
  "**/*.txt",
  "**/.*",
  ".*",
  "**/node_modules",
  "node_modules",
  "!t*/a",
  "t?",
  "t[0-2]/*",
  "t[^3]/a*",
  "**/a",
  "**/a/**",
  "!**/a",
  "a/../t0",
  "..",
  ".",
  "/",
  "//t1",
  "/t1/",
  "./t2",
  "! t0",
  "!!t0",
  "!/t0",
  "/!t0",
  "\\#hash",
  "#hash",
  " #hash",
  "Dockerfile",
  "!Dockerfile",
  ".dockerignore",
  "Dockerfile.dockerignore",
  "t0/**/b.txt",
  "**/**/x",
  "t1**",
  "**t1",
  "*t1*",
  "t1/",
  "",
  "   ",
  "\t",
  "[a-z]*",
  "[!a]*",
  "**/\\*",
  "**/[*]",
  "t2/*\\n",
] as const;
/** Docker 20.10 refuses these, and newer ones do not. */
const CONTROL_CHARACTERS = /\p{Cc}/u;
const CONTROL_CHARACTERS_KEPT = 0.02;
/** Docker refuses these. */
const MALFORMED = ["!", "[", "t0/[a-", "a\\", "[]a]", "**/[z-a]"] as const;

/** The bytes of an ignore file for a context with these paths. */
export function randomIgnoreFile(random: Random, paths: readonly string[]): Uint8Array {
  const lines: string[] = [];
  for (let count = random.below(LINES_MAX); count > 0; count--) lines.push(randomLine(random, paths));
  const end = random.weighted({ "\n": 70, "\r\n": 29, "\r": 1 });
  const text = lines.join(end) + (random.chance(0.7) ? end : "");
  return encoded(random, text);
}

function randomLine(random: Random, paths: readonly string[]): string {
  const kind = random.weighted({ path: 60, snippet: 36, comment: 3, malformed: 0.5 });
  if (kind === "snippet") return random.pick(SNIPPETS);
  if (kind === "comment") return `# ${random.pick(SNIPPETS)}`;
  if (kind === "malformed") return random.pick(MALFORMED);
  const mark = random.chance(0.35) ? "!" : "";
  const trail = random.chance(0.1) ? random.pick([" ", "\t", "  "]) : "";
  const pattern = pathPattern(random, random.pick(paths));
  const usual = !CONTROL_CHARACTERS.test(pattern) || random.chance(CONTROL_CHARACTERS_KEPT);
  return `${mark}${usual ? pattern : random.pick(SNIPPETS)}${trail}`;
}

function pathPattern(random: Random, path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const folder = path.slice(0, -name.length);
  const kind = random.weighted({
    exact: 20,
    leading: 8,
    trailing: 8,
    anywhere: 20,
    below: 8,
    children: 8,
    extension: 8,
    question: 8,
    escaped: 8,
    class: 5,
    anyFolder: 8,
    unclean: 6,
    other: 4,
  });
  switch (kind) {
    case "exact":
      return path;
    case "leading":
      return `/${path}`;
    case "trailing":
      return `${path}/`;
    case "anywhere":
      return `**/${name}`;
    case "below":
      return `${path}/**`;
    case "children":
      return `${folder}*`;
    case "extension":
      return `**/*${name.slice(Math.max(0, name.lastIndexOf(".")))}`;
    case "question":
      return `${folder}${[...name].map((char, at) => at === 0 ? "?" : char).join("")}`;
    case "escaped":
      return path.replaceAll(/[*?[\]\\!#^]/g, "\\$&");
    case "class":
      return `${folder}[${[...name][0] ?? "a"}]*`;
    case "anyFolder":
      return path.split("/").map((part, at) => at % 2 === 0 ? "*" : part).join("/");
    case "unclean":
      return `./${path.replaceAll("/", "//")}/.`;
    case "other":
      return `**/${randomName(random)}`;
  }
}

function encoded(random: Random, text: string): Uint8Array {
  const kind = random.weighted({ utf8: 83, mark: 10, utf16: 1, utf16Big: 1, latin1: 2, zeros: 1, cut: 2 });
  const utf8 = new TextEncoder().encode(text);
  switch (kind) {
    case "utf8":
      return utf8;
    case "mark":
      return new Uint8Array([0xef, 0xbb, 0xbf, ...utf8]);
    case "utf16":
      return utf16(text, true);
    case "utf16Big":
      return utf16(text, false);
    case "latin1":
      return Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff);
    case "zeros":
      return new Uint8Array([...utf8, 0, 0x0a]);
    case "cut":
      return new Uint8Array([...utf8, 0xe2, 0x82]);
  }
}

function utf16(text: string, little: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(2 + 2 * text.length));
  view.setUint16(0, 0xfeff, little);
  for (let at = 0; at < text.length; at++) view.setUint16(2 + 2 * at, text.charCodeAt(at), little);
  return new Uint8Array(view.buffer);
}
