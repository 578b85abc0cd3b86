/** The folder and the Dockerfile of a build, from the argument, settings and where the command runs. */
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { type FileSettings, UsageError } from "../../pkg/cli/mod.ts";
import type { DockerfileHints, DockerfileSource } from "../../pkg/archive/mod.ts";
import { field, textSchema } from "../../pkg/config/mod.ts";

/** Settings that say which folder is built, by which Dockerfile. */
export const PLACE_FIELDS = {
  context: field({
    flag: "context",
    env: "UNKEY_CONTEXT",
    file: "context",
    placeholder: "<folder>",
    help: "Folder to build, instead of the argument; in unkey.json relative to that file.",
    schema: textSchema(),
  }),
  dockerfile: field({
    flag: "dockerfile",
    env: "UNKEY_DOCKERFILE",
    file: "dockerfile",
    placeholder: "<path>",
    help:
      "Dockerfile, relative to the current folder, as for docker build -f; in unkey.json relative to that file, " +
      "else to the folder. It may be outside of the folder. <path>.dockerignore beside it goes before .dockerignore. " +
      "- is standard input. Default: Dockerfile.",
    schema: textSchema(),
  }),
};

export interface Place extends Pick<Required<DockerfileHints>, "dockerfile" | "preferred"> {
  /** The build context, absolute. */
  readonly folder: string;
  /** The folder that a project is named after: that of `unkey.json` or the context, whichever is below the other. */
  readonly home: string;
  /** The `unkey.json` that holds, absolute. */
  readonly file: string | undefined;
  /** It is that file that names the folder, by its context or by its place. */
  readonly isOfFile: boolean;
}

export interface PlaceHints {
  /** The argument, as it was typed. */
  readonly folder: string | undefined;
  readonly context: string | undefined;
  readonly dockerfile: string | undefined;
  readonly file: FileSettings | undefined;
  /** Absolute. */
  readonly cwd: string;
}

/** Where to look for `unkey.json`: the folder that is named, or the current one when that is below it. */
export function settingsFolder(folder: string | undefined, cwd: string): string {
  const named = resolve(cwd, folder ?? ".");
  return isWithin(named, cwd) ? cwd : named;
}

/** @throws `UsageError` when two folders are named */
export function placeOf({ folder, context, dockerfile, file, cwd }: PlaceHints): Place {
  const ofFile = file?.value("context");
  if (folder !== undefined && context !== undefined && context !== ofFile) {
    throw new UsageError(
      "The folder is named twice, as the argument and as --context (UNKEY_CONTEXT). Leave one of them out.",
    );
  }
  const fileFolder = file === undefined ? cwd : dirname(file.path);
  const root = resolve(cwd, folder ?? context ?? fileFolder);
  return {
    folder: root,
    home: file !== undefined && isWithin(root, fileFolder) ? fileFolder : root,
    file: file?.path,
    isOfFile: file !== undefined && folder === undefined && context === ofFile,
    dockerfile: dockerfile !== undefined && dockerfile === file?.value("dockerfile")
      ? [dockerfile, resolve(root, relative(fileFolder, dockerfile))]
      : dockerfile,
    // The folder of the file speaks for itself when nothing else is named; else the current one is meant, too.
    preferred: folder === undefined ? [fileFolder] : [cwd, fileFolder],
  };
}

function isWithin(folder: string, path: string): boolean {
  const between = relative(folder, path);
  return !between.startsWith("..") && !isAbsolute(between);
}

/** A sentence for the user when something else is built than the current folder; `undefined` when that is what is built. */
export function describePlace(
  { folder, file, dockerfile: given }: Place,
  { file: dockerfile, name }: Pick<DockerfileSource, "file" | "name">,
  cwd: string,
): string | undefined {
  const shown = (path: string): string => relative(cwd, path) || ".";
  const parts: string[] = [];
  if (file !== undefined) parts.push(`settings of ${shown(file)}`);
  if (folder !== cwd) parts.push(`folder ${shown(folder)}`);
  const ofFolder = /^dockerfile$/i.test(name) && (folder === cwd || dirname(dockerfile) !== cwd);
  if (given === "-") parts.push("Dockerfile of standard input");
  else if (!ofFolder) parts.push(`Dockerfile ${shown(dockerfile)}`);
  return parts.length === 0 ? undefined : parts.join(", ");
}
