import { bytesFree } from "../../pkg/files/mod.ts";
import { canRun, runCommand } from "../../pkg/testkit/commands.ts";

const BALLAST = "ballast";
const MEBIBYTE = 1024 * 1024;

/** True where a test may mount a disk of its own. */
export async function canMount(): Promise<boolean> {
  return await canRun([["mount", "--version"], ["umount", "--version"]]);
}

/** A disk of a few MiB, in memory, that a test fills to its last byte. */
export class SmallDisk implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async mount(mebibytes: number): Promise<SmallDisk> {
    const folder = await Deno.makeTempDir({ prefix: "unkey-disk-" });
    await runCommand("mount", "-t", "tmpfs", "-o", `size=${mebibytes}m,mode=0700`, "unkey-test", folder);
    return new SmallDisk(folder);
  }

  /** A disk that another part has mounted, and will unmount. */
  static at(folder: string): Pick<SmallDisk, "fill" | "free"> {
    return new SmallDisk(folder);
  }

  /** Leaves no byte; what others write meanwhile fails. */
  async fill(): Promise<void> {
    using file = await Deno.open(`${this.folder}/${BALLAST}`, { append: true, create: true });
    const bytes = new Uint8Array(MEBIBYTE);
    for (let size = bytes.length; size >= 1;) {
      try {
        if (await file.write(bytes.subarray(0, size)) < size) throw new Error("written in part");
      } catch {
        size = Math.floor(size / 2);
      }
    }
  }

  /** Gives all of it back. */
  async free(): Promise<void> {
    await Deno.remove(`${this.folder}/${BALLAST}`);
  }

  bytesFree(): Promise<number | undefined> {
    return bytesFree(this.folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runCommand("umount", "--lazy", this.folder);
    await Deno.remove(this.folder);
  }
}
