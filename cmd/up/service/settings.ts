/** The settings of the service: a file that its owner may edit. */
import { dirname } from "node:path";
import { givenValues, loadConfig, Secret, type Sources } from "../../../pkg/config/mod.ts";
import { UP_FIELDS, UP_RULES, type UpConfig } from "../config.ts";
import { writePrivately } from "../data_folder.ts";
import { envFileText, parseEnvFile } from "../env_file.ts";

/** Settings that belong to one call, or that the unit files decide. */
const NOT_KEPT = new Set(
  [
    UP_FIELDS.install,
    UP_FIELDS.uninstall,
    UP_FIELDS.yes,
    UP_FIELDS.program,
    UP_FIELDS.edgeApart,
    UP_FIELDS.logTo,
    UP_FIELDS.dataDir,
  ].map(({ env }) => env),
);
const HEAD =
  '# Settings of unkey, as "unkey up --help" names them. After a change: systemctl restart unkey\n';

export interface ServiceSettings {
  /** By the names of variables. */
  readonly values: Readonly<Record<string, string>>;
  readonly config: UpConfig;
}

/** The settings in a file; none when it is not there. */
export async function readSettings(path: string): Promise<Readonly<Record<string, string>>> {
  try {
    return parseEnvFile(await Deno.readTextFile(path), path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

/** The settings that were there, with those that this call gives in their place. @throws `invalid_argument` */
export function mergeSettings(former: Readonly<Record<string, string>>, sources: Sources): ServiceSettings {
  const values: Record<string, string> = { ...former };
  for (const each of Object.values(UP_FIELDS)) {
    if (NOT_KEPT.has(each.env)) continue;
    const [given] = givenValues(each, sources);
    if (given !== undefined) values[each.env] = textOf(given.value);
  }
  const readFile = sources.readFile;
  const config = loadConfig(
    UP_FIELDS,
    { flags: new Map(), env: (name) => values[name], readFile },
    UP_RULES,
  );
  return { values, config };
}

export async function writeSettings(path: string, values: ServiceSettings["values"]): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await writePrivately(path, HEAD + envFileText(values));
}

function textOf(value: unknown): string {
  return value instanceof Secret ? value.reveal() : String(value);
}
