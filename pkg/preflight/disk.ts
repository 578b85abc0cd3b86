import { dirname, join } from "node:path";
import { bytesFree } from "../files/mod.ts";
import { failed, type Finding, ok, type Probe } from "./probe.ts";

const MEBIBYTE = 1024 * 1024;
const PROBE_PREFIX = ".unkey-preflight-";

interface Space {
  readonly subject: string;
  readonly folder: string;
  readonly bytesMin: number;
  /** The setting that names the folder, or keeps the space. */
  readonly setting: string;
}

/** Looks for room on the disk of a folder. */
export function diskProbe(space: Space): Probe {
  return {
    subject: space.subject,
    advice: `Make room on the disk of ${space.folder}, or choose another with ${space.setting}.`,
    ask: async () => await spaceFinding(space) ?? ok(await roomText(space.folder)),
  };
}

/** Writes a file into a folder and removes it; a folder that is not there yet is looked for at its parent. */
export function folderProbe(space: Space): Probe {
  return {
    subject: space.subject,
    advice: `Make ${space.folder} writable for this user, or choose another with ${space.setting}.`,
    ask: async () =>
      await folderFinding(space.folder, space.setting) ?? await spaceFinding(space) ??
        ok(`${space.folder} can be written. ${await roomText(space.folder)}`),
  };
}

/** The problem of a folder that must be written to; `undefined`: none. */
export async function folderFinding(folder: string, setting: string): Promise<Finding | undefined> {
  const present = await nearest(folder);
  try {
    const probe = await Deno.makeTempFile({ dir: present, prefix: PROBE_PREFIX });
    await Deno.remove(probe);
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return failed(
      `${present} cannot be written: ${why}.`,
      `Give this user the right to write there, or choose another folder with ${setting}.`,
    );
  }
}

/** The problem of a disk without room; `undefined`: none, or it cannot be seen. */
export async function spaceFinding(
  { folder, bytesMin, setting }: Omit<Space, "subject">,
): Promise<Finding | undefined> {
  const free = await bytesFree(await nearest(folder));
  if (free === undefined || free >= bytesMin) return undefined;
  return failed(
    `The disk of ${folder} has ${mib(free)} free, and ${mib(bytesMin)} are needed.`,
    `Make room there, or choose another disk with ${setting}.`,
  );
}

async function roomText(folder: string): Promise<string> {
  const free = await bytesFree(await nearest(folder));
  return free === undefined ? "Its free space cannot be seen." : `${mib(free)} are free.`;
}

/** The folder, or the nearest one above it that is there. */
async function nearest(folder: string): Promise<string> {
  for (let at = join(folder); dirname(at) !== at; at = dirname(at)) {
    if (await Deno.stat(at).then(({ isDirectory }) => isDirectory, () => false)) return at;
  }
  return dirname(join(folder, "/"));
}

function mib(bytes: number): string {
  return `${Math.floor(bytes / MEBIBYTE).toLocaleString("en-US")} MiB`;
}
