import { basename, dirname } from "node:path";
import { publicFault } from "../../../pkg/fault/mod.ts";

/** The executable in place, and the former one beside it. */
export interface InstalledProgram {
  /** Puts the former executable back; false: there was none. */
  restore(): Promise<boolean>;
  /** Forgets the former one. */
  keep(): Promise<void>;
}

/**
 * Puts an executable to its place at once: a start gets the old one or the new one, never a part. Running
 * processes go on with the file that they were started from.
 *
 * @throws `failed_precondition` when it is not the program itself but the runtime of a checkout
 */
export async function installProgram(from: string, to: string): Promise<InstalledProgram> {
  if (basename(from).startsWith("deno")) {
    throw publicFault(
      "failed_precondition",
      `A service needs unkey as one executable, and this is a checkout run by ${from}. ` +
        'Build it with "deno task compile", or name one with --program.',
    );
  }
  const [next, former] = [`${to}.next`, `${to}.former`];
  const isSame = await Deno.realPath(from).catch(() => from) === await Deno.realPath(to).catch(() => to);
  const hadFormer = await copy(to, former);
  if (!isSame) {
    await Deno.mkdir(dirname(to), { recursive: true });
    await Deno.copyFile(from, next);
    await Deno.chmod(next, 0o755);
    await sync(next);
    await Deno.rename(next, to);
  }
  return {
    async restore(): Promise<boolean> {
      if (hadFormer) await Deno.rename(former, to);
      return hadFormer && !isSame;
    },
    async keep(): Promise<void> {
      if (hadFormer) await Deno.remove(former);
    },
  };
}

/** False when there is nothing to copy. */
async function copy(from: string, to: string): Promise<boolean> {
  try {
    await Deno.copyFile(from, to);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function sync(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true });
  await file.sync();
}
