import {
  copiedPaths,
  type DockerfileSource,
  type Entry,
  formatBytes,
  ignoreLine,
  type ListedContext,
} from "../../../pkg/archive/mod.ts";
import { oneLine } from "../output.ts";
import { findSecretFiles } from "./secret_files.ts";

/** A fact about a context that its user would want to know before it is sent. */
export interface ContextWarning {
  /** For programs; stable. */
  readonly code: "secret_files" | "large_files" | "ignore_file_encoding";
  readonly message: string;
  readonly paths: readonly string[];
}

const LARGE_BYTES = 100 << 20;
/** Paths that a message names beside a deploy. */
const PATHS_MAX = 3;

/** Warnings about the files of a context. A file that the Dockerfile copies by its name is meant to be sent. */
export async function contextWarnings(
  { root, entries, ignoreFile, utf16 }: ListedContext,
  { content }: Pick<DockerfileSource, "content">,
  pathsMax: number = PATHS_MAX,
): Promise<readonly ContextWarning[]> {
  const copied = copiedPaths(content);
  const unnamed = entries.filter(({ kind, path }) => kind === "file" && !copied.has(path));
  const secrets = await findSecretFiles(root, unnamed);
  const large = unnamed.filter(({ size }) => size > LARGE_BYTES).toSorted((a, b) => b.size - a.size);
  return [
    ...(utf16 ? [encodingWarning(ignoreFile)] : []),
    ...(secrets.length > 0 ? [secretWarning(secrets, { ignoreFile, pathsMax })] : []),
    ...(large.length > 0 ? [largeWarning(large, { ignoreFile, pathsMax })] : []),
  ];
}

function encodingWarning(ignoreFile: string): ContextWarning {
  return {
    code: "ignore_file_encoding",
    message:
      `${ignoreFile} is in UTF-16, so that none of its lines excludes anything, as with docker build. ` +
      "Save it as UTF-8.",
    paths: [ignoreFile],
  };
}

interface Advice {
  readonly ignoreFile: string;
  readonly pathsMax: number;
}

function secretWarning(paths: readonly string[], advice: Advice): ContextWarning {
  const files = paths.length === 1
    ? "a file that looks like a secret is"
    : "files that look like secrets are";
  const lines = paths.map((path) => oneLine(ignoreLine(path)));
  return { code: "secret_files", message: message(`${files} sent to the build`, lines, advice), paths };
}

function largeWarning(entries: readonly Entry[], advice: Advice): ContextWarning {
  const files = entries.length === 1 ? "a file" : "files";
  const limit = formatBytes(LARGE_BYTES);
  const sizes = entries.map(({ size }) => formatBytes(size));
  const width = Math.max(...entries.map(({ path }) => oneLine(ignoreLine(path)).length));
  const lines = entries.map(({ path }, at) => `${oneLine(ignoreLine(path)).padEnd(width)}  (${sizes[at]})`);
  return {
    code: "large_files",
    message: message(
      `${files} larger than ${limit} ${entries.length === 1 ? "is" : "are"} sent`,
      lines,
      advice,
    ),
    paths: entries.map(({ path }) => path),
  };
}

function message(fact: string, lines: readonly string[], { ignoreFile, pathsMax }: Advice): string {
  const shown = lines.slice(0, pathsMax).map((line) => `\n  ${line}`).join("");
  const more = lines.length - pathsMax;
  const rest = more > 0 ? `\n  and ${more} more, which "unkey context explain" lists` : "";
  const wish = lines.length === 1 ? "To leave it out, add to" : "To leave them out, add to";
  return `${fact}. ${wish} ${ignoreFile}:${shown}${rest}`;
}
