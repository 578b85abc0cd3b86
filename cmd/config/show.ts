/** `unkey config show`: the settings of a deploy from here, each with its place. */
import {
  type Command,
  defineCommand,
  type Group,
  leavesOf,
  type Process,
  UsageError,
} from "../../pkg/cli/mod.ts";
import { field, loadConfig, type Sources, textSchema } from "../../pkg/config/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { LOCAL_API_URL } from "../shared/connect.ts";
import { readCredentials } from "../shared/credentials.ts";
import { LOCAL_EXITS } from "../shared/exit_codes.ts";
import { JSON_FIELD, jsonLine, table } from "../shared/output.ts";
import { placeOf, settingsFolder } from "../shared/place.ts";
import { findProjectFile } from "../shared/project_file.ts";
import {
  type EffectiveSetting,
  effectiveSettings,
  type EffectiveValue,
  originText,
  shown,
} from "./effective.ts";

const OF_FIELD = field({
  flag: "of",
  env: "UNKEY_CONFIG_SHOW_OF",
  placeholder: "<command>",
  help: 'The settings of this command instead, by variables and defaults, e.g. krane or "ctrl api".',
  schema: textSchema(),
});

/** `unkey config show`, for the settings of `deploy` with its flags, and for those of every command of the tree. */
export function showCommand({ fields: ofDeploy, positionals = [] }: Command, root: Group): Command {
  const fields = { ...ofDeploy, of: OF_FIELD, output: JSON_FIELD };
  return defineCommand({
    outcome: "output",
    exitCodes: LOCAL_EXITS,
    fields,
    positionals,
    notes:
      `Every setting of a deploy with the value that it has here, and where that comes from: a flag, a variable, a line of
unkey.json, the stored login, or the default. Takes the flags of "unkey deploy". Secrets are masked.`,
    file: ([folder], { cwd }) => findProjectFile(settingsFolder(folder, cwd)),
    async run({ config: { of, output }, positionals: [folder], file, sources }, process) {
      const print = (settings: Settings): void =>
        process.stdout(
          output === true
            ? jsonLine(json(settings, file?.path))
            : table(["SETTING", "VALUE", "FROM"], rows(settings, process.cwd)),
        );
      if (typeof of === "string") return await showOther(of, { root, sources, json: output === true, print });
      const settings = effectiveSettings(fields, sources);
      // They are about this command.
      for (const key of ["of", "output"]) settings.delete(key);
      await addLogin(settings, process);
      const [context, dockerfile] = [textOf(settings, "context"), textOf(settings, "dockerfile")];
      addFolder(settings, placeOf({ folder, context, dockerfile, file, cwd: process.cwd }).folder);
      print(settings);
    },
  });
}

interface Showing {
  readonly root: Group;
  readonly sources: Sources;
  readonly json: boolean;
  readonly print: (settings: Settings) => void;
}

/** Values are also shown when some of them cannot be used, but never beside the JSON of a failure. */
async function showOther(name: string, { root, sources, json, print }: Showing): Promise<void> {
  const leaf = Array.from(leavesOf(root)).find(({ path }) => path.join(" ") === name.trim());
  if (leaf === undefined) {
    throw new UsageError(`There is no command "${name}": name one that runs, e.g. krane or "ctrl api".`);
  }
  const { command: { fields } } = await leaf.node.load();
  const given = [...sources.flags.keys()].filter((flag) => !["of", "output", "json"].includes(flag));
  if (given.length > 0) {
    throw new UsageError(
      `--of shows a command by its variables and defaults: leave out --${given.join(", --")}.`,
    );
  }
  if (!json) print(effectiveSettings(fields, sources));
  try {
    loadConfig(fields, sources);
  } catch (error) {
    throw isFault(error, "invalid_argument") ? new UsageError(error.message) : error;
  }
  if (json) print(effectiveSettings(fields, sources));
}

type Settings = Map<string, EffectiveSetting>;

function textOf(settings: Settings, key: string): string | undefined {
  return settings.get(key)?.values[0]?.value;
}

/** URL and key of the control plane, where neither flags nor variables give them. */
async function addLogin(settings: Settings, { directories }: Process): Promise<void> {
  const profile = textOf(settings, "profile") ?? "default";
  const stored = await readCredentials(directories.config, profile);
  const origin = stored === undefined ? { kind: "default" } as const : { kind: "login", profile } as const;
  fill(settings, "apiBaseUrl", { value: stored?.apiBaseUrl ?? LOCAL_API_URL, origin });
  if (stored !== undefined) fill(settings, "rootKey", { value: stored.rootKey.reveal(), origin });
}

function addFolder(settings: Settings, folder: string): void {
  const [given] = settings.get("context")?.values ?? [];
  const origin = given?.origin ?? { kind: "folder" } as const;
  const field = settings.get("context")?.field;
  if (field !== undefined) settings.set("context", { field, values: [{ value: folder, origin }] });
}

function fill(settings: Settings, key: string, { value, origin }: EffectiveValue): void {
  const setting = settings.get(key);
  if (setting === undefined || setting.values.length > 0) return;
  settings.set(key, { ...setting, values: [{ value: shown(setting.field, value), origin }] });
}

function rows(settings: Settings, cwd: string): string[][] {
  return [...settings.values()].flatMap(({ field, values }) => {
    const name = field.flag === undefined ? field.env : `--${field.flag}`;
    if (values.length === 0) return [[name, "", "not set"]];
    return values.map(({ value, origin }) => [name, value, originText(origin, cwd)]);
  });
}

function json(settings: Settings, file: string | undefined): unknown {
  return {
    file: file ?? null,
    settings: [...settings.values()].map(({ field: { flag, env, file: key, secret }, values }) => ({
      flag: flag ?? null,
      variable: env,
      key: key ?? null,
      secret,
      values,
    })),
  };
}
