/** `unkey config show`: the settings of a deploy from here, each with its place. */
import { type Command, defineCommand, type Process } from "../../pkg/cli/mod.ts";
import { LOCAL_API_URL } from "../shared/connect.ts";
import { readCredentials } from "../shared/credentials.ts";
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

/** `unkey config show`, for the settings of `deploy`, with its flags. */
export function showCommand({ fields: ofDeploy, positionals = [] }: Command): Command {
  const fields = { ...ofDeploy, output: JSON_FIELD };
  return defineCommand({
    fields,
    positionals,
    notes:
      `Every setting of a deploy with the value that it has here, and where that comes from: a flag, a variable, a line of
unkey.json, the stored login, or the default. Takes the flags of "unkey deploy". Secrets are masked.`,
    file: ([folder], { cwd }) => findProjectFile(settingsFolder(folder, cwd)),
    async run({ config, positionals: [folder], file, sources }, process) {
      const settings = effectiveSettings(fields, sources);
      // It is about this command.
      settings.delete("output");
      await addLogin(settings, process);
      addFolder(
        settings,
        placeOf({
          folder,
          context: textOf(settings, "context"),
          dockerfile: textOf(settings, "dockerfile"),
          file,
          cwd: process.cwd,
        }).folder,
      );
      if (config.output === true) return process.stdout(jsonLine(json(settings, file?.path)));
      process.stdout(table(["SETTING", "VALUE", "FROM"], rows(settings, process.cwd)));
    },
  });
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
