/** Advice where users of containers get stuck. Pure; time is linear in the texts. */
import type { BuildFailure } from "../builder.ts";
import { instructions, instructionsOfStage, linesOf } from "./stages.ts";

/** A failure and its surroundings. */
export interface HintFacts {
  /** The text of the Dockerfile. */
  readonly dockerfile: string;
  readonly failure: Pick<BuildFailure, "message" | "exitCode" | "lastLines">;
  /** The port on which the app had to listen and did not. */
  readonly port?: number;
  /** The ports that the image exposes; without them, those of the Dockerfile. */
  readonly exposed?: readonly number[];
}

/** Texts are cut before anything is looked for in them. */
const TEXT_CHARACTERS_MAX = 8_192;
const LINES_MAX = 100;

/** Advice for a failure, each a sentence or two; mostly none. */
export function hintsFor(facts: HintFacts): readonly string[] {
  const { dockerfile, failure, port, exposed } = facts;
  const frontend = frontendHint(dockerfile, failure.message.slice(0, TEXT_CHARACTERS_MAX));
  const start = startHint(failure.lastLines, failure.exitCode);
  const listen = port === undefined ? undefined : portHint(port, exposed ?? exposedPorts(dockerfile));
  return [frontend, start, listen].filter((each) => each !== undefined);
}

/** The text with advice behind it. */
export function withHint(text: string, hint: string): string {
  return `${text}${text.endsWith(".") ? "" : "."} ${hint}`;
}

/** Exit codes of shells for a program that cannot be run, or is not found. */
const NOT_STARTED: readonly (number | undefined)[] = [126, 127];
/** Flags that frontends older than this learned with `docker/dockerfile` 1.1 to 1.20. */
const NEWER_FLAGS: readonly string[] = [
  "checksum",
  "chmod",
  "exclude",
  "keep-git-dir",
  "link",
  "mount",
  "network",
  "parents",
  "security",
  "start-interval",
  "unpack",
];

/** A Dockerfile in a newer language than the builder's own. */
function frontendHint(dockerfile: string, message: string): string | undefined {
  const text = message.toLowerCase();
  const flag = wordAfter(text, "unknown flag: ");
  const isNewer = flag !== undefined
    ? NEWER_FLAGS.includes(flag.replace(/^-{1,2}/, ""))
    : text.includes("unknown instruction") && hasHeredoc(dockerfile);
  if (!isNewer || hasSyntaxLine(dockerfile)) return undefined;
  return "The builder's own Dockerfile language is older than this Dockerfile. Make its first line " +
    '"# syntax=docker/dockerfile:1", which brings the newest one.';
}

function hasHeredoc(dockerfile: string): boolean {
  return instructions(dockerfile).some((line) =>
    /^(?:run|copy|add)\s/i.test(line) && /<<-?["']?\w/.test(line)
  );
}

/** Parser directives are the comments before anything else. */
function hasSyntaxLine(dockerfile: string): boolean {
  for (const line of linesOf(dockerfile)) {
    if (!line.startsWith("#")) return false;
    if (/^#\s{0,20}syntax\s{0,20}=/i.test(line)) return true;
  }
  return false;
}

const CRLF_HINT =
  "The file is there, but the program that should run it is not. Most often a script has the line ends of Windows " +
  '(CRLF): save it with LF, and keep it so with a line "*.sh text eol=lf" in .gitattributes. Otherwise the image ' +
  "lacks the interpreter of its first line (#!), or the system library of the binary, such as glibc on Alpine.";

/** Advice for a program that could not be started, given the lines that its runtime or a shell printed. */
export function startHint(lines: readonly string[], exitCode?: number): string | undefined {
  const byShell = NOT_STARTED.includes(exitCode);
  for (const line of lines.slice(-LINES_MAX)) {
    const hint = lineHint(line.slice(0, TEXT_CHARACTERS_MAX).toLowerCase(), byShell);
    if (hint !== undefined) return hint;
  }
  return undefined;
}

function lineHint(line: string, byShell: boolean): string | undefined {
  if (line.includes("\\r': command not found") || (line.startsWith("env: ") && /\\r|\r/.test(line))) {
    return CRLF_HINT;
  }
  const isStart = line.startsWith("exec ") || RUNTIMES.some((each) => line.includes(each)) ||
    (byShell && SHELLS.some((each) => line.startsWith(each)));
  if (!isStart) return undefined;
  if (line.includes("exec format error")) {
    return 'The system cannot tell how to run the program. A script needs "#!/bin/sh", or another interpreter, as its first ' +
      "line; a binary must be built for the processor that the app runs on (see --platform).";
  }
  if (line.includes("permission denied")) {
    return 'The program is not executable. Run "chmod +x FILE" before the deploy, or "git update-index --chmod=+x FILE" when ' +
      "git does not keep it, or copy it with COPY --chmod=755.";
  }
  if (line.includes("executable file not found")) {
    return "The image has no such program in its PATH. Check the name, and whether the last stage of the Dockerfile " +
      "installs it.";
  }
  if (!line.includes("no such file or directory")) return undefined;
  return line.includes(" stat ") || line.includes(": stat ")
    ? "The image has no such file. Check the path, and whether the last stage of the Dockerfile copies it."
    : CRLF_HINT;
}

/** The kernel's refusal as container runtimes and shells pass it on; an app's own errors begin otherwise. */
const RUNTIMES: readonly string[] = [
  "exec user process",
  "oci runtime",
  "runc",
  'exec: "',
  "cannot be started",
];
const SHELLS: readonly string[] = ["/bin/sh: ", "sh: ", "/bin/bash: ", "bash: "];

/** Advice for an app that does not listen on `port` although its image exposes others. */
export function portHint(port: number, exposed: readonly number[]): string | undefined {
  if (exposed.length === 0 || exposed.includes(port)) return undefined;
  const [first] = exposed;
  const ports = exposed.slice(0, PORTS_SHOWN).join(", ");
  return `The image says (EXPOSE) that it listens on ${ports}: if that is so, deploy with --port ${first}.`;
}

const PORTS_SHOWN = 5;
const PORT_MAX = 65_535;
const RANGE_MAX = 100;

/** The TCP ports that a stage of a Dockerfile exposes by number, the last one by default, with those of the stages that it builds on. */
export function exposedPorts(dockerfile: string, target = ""): readonly number[] {
  const words = instructionsOfStage(dockerfile, target).filter(({ name }) => name === "expose").flatMap((
    each,
  ) => each.words);
  return [...new Set(words.flatMap(portsOf))];
}

/** `3000`, `3000/tcp` or `3000-3005`. */
function portsOf(word: string): number[] {
  const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/tcp)?$/i.exec(word) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (!(first >= 1 && last <= PORT_MAX && last >= first)) return [];
  return Array.from({ length: Math.min(RANGE_MAX, last - first + 1) }, (_, index) => first + index);
}

function wordAfter(text: string, before: string): string | undefined {
  const at = text.indexOf(before);
  return at < 0 ? undefined : text.slice(at + before.length).trimStart().split(/[\s,;.]/, 1)[0];
}
