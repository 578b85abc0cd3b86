import { join } from "node:path";
import { publicFault } from "../fault/mod.ts";
import { padding, tarEnd, tarHeader } from "./tar.ts";
import { type Entry, unreadable } from "./walk.ts";

/** Read in one piece up to here, in parts above. */
const WHOLE_BYTES_MAX = 4 << 20;
const PART = 1 << 20;

/** The bytes of the archive of `entries`, in pieces that are valid until the next one is asked for. */
export function* tarBytes(root: string, entries: readonly Entry[]): Generator<Uint8Array> {
  for (const { path, kind, mode, size, target } of entries) {
    const name = kind === "folder" ? `${path}/` : path;
    if (kind !== "file") {
      yield tarHeader({ name, kind, mode, size: 0, target });
    } else if (size > WHOLE_BYTES_MAX) {
      yield tarHeader({ name, kind, mode, size, target });
      yield* partsOf(root, path, size);
      yield padding(size);
    } else {
      const bytes = wholeOf(root, path);
      yield tarHeader({ name, kind, mode, size: bytes.length, target });
      yield bytes;
      yield padding(bytes.length);
    }
  }
  yield tarEnd();
}

function wholeOf(root: string, path: string): Uint8Array {
  try {
    return Deno.readFileSync(join(root, path));
  } catch (error) {
    throw unreadable(path, error);
  }
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
