/** The limit where the system does not say one. */
export const DESCRIPTORS_DEFAULT = 4_096;
const LIMITS_FILE = "/proc/self/limits";
/** Descriptors that a process needs beside connections: databases, files, watchers. */
const OWN = 64;

/** The most descriptors that this process may have open (RLIMIT_NOFILE). */
export function descriptorsMax(readFile: (path: string) => string = Deno.readTextFileSync): number {
  try {
    return parseLimit(readFile(LIMITS_FILE)) ?? DESCRIPTORS_DEFAULT;
  } catch {
    // Only Linux has the file.
    return DESCRIPTORS_DEFAULT;
  }
}

function parseLimit(text: string): number | undefined {
  const line = text.split("\n").find((each) => each.startsWith("Max open files"));
  const soft = line?.split(" ").filter((word) => word !== "")[3];
  if (soft === "unlimited") return Infinity;
  const limit = Number(soft ?? NaN);
  return Number.isSafeInteger(limit) && limit > 0 ? limit : undefined;
}

/** `share` (0 to 1) of the descriptors as a number of connections, at most `wanted` and at least one. */
export function shareOfDescriptors(share: number, wanted = Infinity, descriptors = descriptorsMax()): number {
  return Math.max(1, Math.min(wanted, Math.floor((descriptors - OWN) * share)));
}
