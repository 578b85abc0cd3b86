import { join } from "node:path";
import { publicFault } from "../../fault/mod.ts";
import { padding, tarEnd, tarHeader } from "./tar.ts";
import { type Entry, isGone, unreadable } from "../../archive/walk.ts";

/** Read in one piece up to here, in parts above. */
const WHOLE_BYTES_MAX = 4 << 20;
const PART = 1 << 20;

/**
 * The bytes of the archive of `entries`, in pieces that are valid until the next one is asked for. A file that is gone
 * when its turn comes is left out.
 */
export function* tarBytes(root: string, entries: readonly Entry[]): Generator<Uint8Array> {
  const gone = new Set<string>();
  for (const entry of entries) {
    const { path, kind, size, target } = entry;
    const header = { ...entry, name: kind === "folder" ? `${path}/` : path };
    if (kind === "hard_link" && gone.has(target)) throw vanished(target);
    if (kind !== "file") {
      yield tarHeader(header);
    } else if (size > WHOLE_BYTES_MAX) {
      yield tarHeader(header);
      yield* partsOf(root, path, size);
      yield padding(size);
    } else {
      const bytes = wholeOf(root, path);
      if (bytes === undefined) {
        gone.add(path);
        continue;
      }
      yield tarHeader({ ...header, size: bytes.length });
      yield bytes;
      yield padding(bytes.length);
    }
  }
  yield tarEnd();
}

/** Nothing when the file is gone. */
function wholeOf(root: string, path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(join(root, path));
  } catch (error) {
    if (isGone(error)) return undefined;
    throw unreadable(path, error);
  }
}

function vanished(path: string): Error {
  return publicFault("failed_precondition", `"${path}" was removed while it was read. Try again.`);
}

function* partsOf(root: string, path: string, size: number): Generator<Uint8Array> {
  let left = size;
  const part = new Uint8Array(PART);
  using file = opened(root, path);
  while (left > 0) {
    const read = file.readSync(part.subarray(0, Math.min(PART, left)));
    if (read === null) {
      throw publicFault("failed_precondition", `"${path}" became shorter while it was read. Try again.`);
    }
    left -= read;
    yield part.subarray(0, read);
  }
}

function opened(root: string, path: string): Deno.FsFile {
  try {
    return Deno.openSync(join(root, path));
  } catch (error) {
    throw unreadable(path, error);
  }
}
