import type { Random } from "./random.ts";

/** Names that ignore rules of projects speak of, and neighbours of them in the order of bytes around the slash. */
const USUAL = [
  "a",
  "a!",
  "a-",
  "a.b",
  "a0",
  "b",
  "b.txt",
  "src",
  "lib",
  "main.ts",
  "README.md",
  "node_modules",
  "dist",
  ".git",
  ".env",
  ".env.local",
  "Dockerfile",
  ".dockerignore",
  "Makefile",
  "test.log",
  "x",
] as const;

const UNUSUAL = [
  " ",
  " leading",
  "trailing ",
  "two  blanks",
  "tab\there",
  "new\nline",
  "return\rhere",
  "\nfirst",
  "bell\x07",
  "delete\x7f",
  "escape\x1b[31m",
  "nbsp\u00a0here",
  "line\u2028separator",
  "\ufefffirst",
  "caf\u00e9",
  "cafe\u0301",
  "\u65e5\u672c\u8a9e",
  "\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
  "\u202eright-to-left",
  "\u{1f680}",
  "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}.txt",
  "\uffee",
  "\ufffd",
  "\u{10ffff}",
  "-rf",
  "--help",
  "-",
  "...",
  "..x",
  ".x.",
  "~",
  "~root",
  "back\\slash",
  "back\\",
  "\\n",
  "st*ar",
  "*",
  "**",
  "ques?tion",
  "[abc]",
  "[",
  "]",
  "{a,b}",
  "a|b",
  "a+b",
  "(a)",
  "^a$",
  "!bang",
  "#hash",
  "$HOME",
  "${HOME}",
  "`id`",
  "%41",
  "%",
  "a=b",
  "a:b",
  "a;b",
  "a&b",
  "'quoted'",
  '"quoted"',
  "<a>",
  "@a",
  "path=1",
  "27 path=x",
] as const;

/** Bytes in the name of a file on Linux. */
const NAME_BYTES_MAX = 255;
/** Lengths around those that fields of tar archives have. */
const LENGTHS = [99, 100, 101, 154, 155, 156, 254, 255] as const;
const LETTERS = ["n", "\u00e9", "\u65e5", "\u{1f680}"] as const;

/** A name of one path element: UTF-8, without a slash. */
export function randomName(random: Random): string {
  const kind = random.weighted({ usual: 60, unusual: 30, joined: 6, long: 4 });
  if (kind === "usual") return random.pick(USUAL);
  if (kind === "unusual") return random.pick(UNUSUAL);
  if (kind === "joined") return `${random.pick(UNUSUAL)}${random.pick(UNUSUAL)}`;
  return longName(random);
}

function longName(random: Random): string {
  const bytes = Math.min(random.pick(LENGTHS), NAME_BYTES_MAX);
  const letter = random.pick(LETTERS);
  const letters = letter.repeat(Math.floor(bytes / new TextEncoder().encode(letter).length));
  return letters.padEnd(letters.length + bytes - new TextEncoder().encode(letters).length, "z");
}
