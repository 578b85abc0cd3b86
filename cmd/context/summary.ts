import {
  type DockerfileSource,
  formatBytes,
  largestShares,
  type ListedContext,
  type Share,
} from "../../pkg/archive/mod.ts";
import { type ContextWarning, contextWarnings } from "../shared/context/warnings.ts";
import { facts, printable, table } from "../shared/output.ts";

/** The output of `--json` for a context. */
export interface ContextSummary {
  readonly context: string;
  readonly dockerfile: string;
  readonly ignoreFile: string;
  readonly files: number;
  readonly folders: number;
  readonly bytes: number;
  /** The paths that hold most, the largest first. */
  readonly largest: readonly Share[];
  readonly largestFiles: readonly { readonly path: string; readonly bytes: number }[];
  readonly warnings: readonly ContextWarning[];
}

const LARGEST_MAX = 10;
/** Paths of one warning: the context is what this command is about. */
const WARNED_PATHS_MAX = 100;

export async function summaryOf(
  context: ListedContext,
  dockerfile: DockerfileSource,
): Promise<ContextSummary> {
  const { root, entries, ignoreFile } = context;
  const files = entries.filter(({ kind }) => kind !== "folder");
  return {
    context: root,
    dockerfile: dockerfile.name,
    ignoreFile,
    files: files.length,
    folders: entries.length - files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    largest: largestShares(entries, LARGEST_MAX),
    largestFiles: files.filter(({ size }) => size > 0).toSorted((a, b) => b.size - a.size)
      .slice(0, LARGEST_MAX).map(({ path, size }) => ({ path, bytes: size })),
    warnings: await contextWarnings(context, dockerfile, WARNED_PATHS_MAX),
  };
}

/** Facts, the largest paths, the largest files, and the warnings. */
export function summaryText(summary: ContextSummary): string {
  const { context, dockerfile, ignoreFile, files, folders, bytes, largest, largestFiles, warnings } = summary;
  const tables = largest.length === 0 ? [] : [
    table(
      ["SIZE", "FILES", "LARGEST PATHS"],
      largest.map((each) => [formatBytes(each.bytes), String(each.files), each.path]),
    ),
    table(["SIZE", "LARGEST FILES"], largestFiles.map((each) => [formatBytes(each.bytes), each.path])),
  ];
  const head = facts({
    context,
    dockerfile,
    "ignore file": ignoreFile,
    sent: `${files === 1 ? "1 file" : `${files} files`} in ${
      folders === 1 ? "1 folder" : `${folders} folders`
    }, ${formatBytes(bytes)}`,
  });
  return [head, ...tables, ...warnings.map(({ message }) => `warning ${printable(message)}\n`)].join("\n");
}
