/** From here on a server of `node:tls` takes connections that others accepted; before, the port would speak clear text. */
const NEEDED = [2, 9] as const;

/**
 * The reason why a port cannot have TLS with this version of Deno; `undefined` when it can. Only executables that were compiled
 * where no newer runtime could be downloaded have an older one (`dev/compile.ts`).
 */
export function serverRuntimeProblem(version: string = Deno.version.deno): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [neededMajor, neededMinor] = NEEDED;
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return undefined;
  return `This program was compiled with Deno ${version}, whose ports cannot have TLS: Deno ${
    NEEDED.join(".")
  } is needed. Run it from its source with that version, compile it where Deno's runtime can be downloaded, or let ` +
    "a proxy in front of it end TLS.";
}
