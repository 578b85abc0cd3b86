import { publicFault } from "../../fault/mod.ts";

/** `invalid_argument`: the bytes are no archive of a context. */
export function notAnArchive(why: string, cause: unknown): Error {
  return publicFault(
    "invalid_argument",
    `The build context cannot be unpacked: ${why}. Deploy again with the unkey command line, which makes a new archive.`,
    cause,
  );
}

/** `too_large`: more entries than allowed. */
export function tooMany(entriesMax: number): Error {
  return tooLarge(`more than ${entriesMax} files and folders`);
}

/** `too_large`: `what` is beyond a limit. */
export function tooLarge(what: string): Error {
  return publicFault(
    "too_large",
    `The build context has ${what}, which is more than is allowed. Name the files that the build does not need in .dockerignore.`,
  );
}
