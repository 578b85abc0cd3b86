import type { BuildFailure } from "./builder.ts";

/** From here on Deno serves HTTP/2 on any stream, with trailers: a build's session needs both. */
const NEEDED = [2, 9] as const;

/**
 * The reason why a program cannot build with this version of Deno; `undefined` when it can. Only executables that were compiled
 * where no newer runtime could be downloaded have an older one (`dev/compile.ts`).
 */
export function runtimeProblem(version: string = Deno.version.deno): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [neededMajor, neededMinor] = NEEDED;
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return undefined;
  return `This program was compiled with Deno ${version}, which cannot serve files to a builder: Deno ${
    NEEDED.join(".")
  } is needed. ` +
    "Run it from its source with that version, or compile it where Deno's runtime can be downloaded. Images can be deployed " +
    "all the same.";
}

/** The failure of every build of such a program. */
export function runtimeFailure(version?: string): BuildFailure | undefined {
  const message = runtimeProblem(version);
  return message === undefined ? undefined : { kind: "failed", code: "build_failed", message, lastLines: [] };
}
