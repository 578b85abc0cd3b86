/** The built files of the dashboard, wherever the program runs from. They are read with each request: none stays in memory. */
import { readFile, stat } from "node:fs/promises";

/** The way in which a file is compressed beside the original. */
export type Encoding = "br" | "gzip";

const EXTENSIONS: Readonly<Record<Encoding, string>> = { br: ".br", gzip: ".gz" };

/** Beside the bundle (also within the executable), and where `deno task dashboard` builds it from sources. */
const PLACES = [
  new URL("./dashboard/", import.meta.url),
  new URL("../../../../dist/dashboard/", import.meta.url),
];

export interface DashboardFiles {
  /** `undefined` when there is no such file. */
  read(name: string, encoding?: Encoding): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** The files of the first of `places` that has a page. The place is looked for until there is one. */
export function openDashboardFiles(places: readonly URL[] = PLACES): DashboardFiles {
  let known: URL | undefined;
  const place = async (): Promise<URL | undefined> => {
    for (const each of known === undefined ? places : []) {
      if (await exists(new URL("index.html", each))) return known = each;
    }
    return known;
  };
  return {
    async read(name, encoding) {
      const folder = await place();
      if (folder === undefined) return undefined;
      const path = new URL(name + (encoding === undefined ? "" : EXTENSIONS[encoding]), folder);
      const bytes = await readFile(path).catch(() => undefined);
      return bytes === undefined ? undefined : new Uint8Array(bytes);
    },
  };
}

async function exists(path: URL): Promise<boolean> {
  return await stat(path).then(() => true, () => false);
}
