import { readFile, stat } from "node:fs/promises";
import { z } from "zod";

const FILE_BYTES_MAX = 4 * 1024 * 1024;

const ENTRY = z.object({
  auth: z.string().nullish(),
  identitytoken: z.string().nullish(),
  username: z.string().nullish(),
  password: z.string().nullish(),
});
const FILE = z.object({
  auths: z.record(z.string(), ENTRY).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
});

/** The entry of one registry. */
export type ConfigEntry = z.infer<typeof ENTRY>;
/** The parts of the file that concern credentials. */
export type ConfigFile = z.infer<typeof FILE>;

/** The file, or the reason why it cannot be used, which holds nothing of its content. */
export type ReadConfig =
  | { readonly kind: "read"; readonly file: ConfigFile }
  | { readonly kind: "missing" }
  | { readonly kind: "broken"; readonly reason: string };

/** Reads `config.json`. It is small and may change at any time, so nothing of it is kept. */
export async function readConfigFile(path: string): Promise<ReadConfig> {
  let text: string;
  try {
    if ((await stat(path)).size > FILE_BYTES_MAX) return broken("is larger than 4 MiB");
    text = await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "error";
    return code === "ENOENT" || code === "ENOTDIR" ? { kind: "missing" } : broken(`cannot be read (${code})`);
  }
  const json = parseJson(text);
  if (json === undefined) return broken("is not valid JSON");
  const parsed = FILE.safeParse(json);
  if (parsed.success) return { kind: "read", file: parsed.data };
  const [issue] = parsed.error.issues;
  return broken(`is not as Docker writes it at "${issue?.path.map(String).join(".") ?? ""}"`);
}

/** The value, or `undefined`: an error of the parser would quote the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function broken(reason: string): ReadConfig {
  return { kind: "broken", reason };
}
