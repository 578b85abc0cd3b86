/** The wishes of `unkey.json` about an environment. Flags and variables of the shell that set the same for a deploy do not count. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { readFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { type Process, UsageError } from "../../../pkg/cli/mod.ts";
import { field, loadConfig, textSchema } from "../../../pkg/config/mod.ts";
import type { WantedEnvironmentSchema } from "../../../proto/gen/ctrl/v1/environment_pb.ts";
import { APP_FIELDS, appOf } from "../app_fields.ts";
import { findProjectFile, PROJECT_FILE, type ProjectFile } from "../project_file.ts";
import { domainsOf, idleEndOf, type VariableSource } from "../project_file/environment_keys.ts";
import { SIZE_FIELDS, sizeOf } from "../size_fields.ts";

const FILE_FIELDS = {
  ...APP_FIELDS,
  ...SIZE_FIELDS,
  protocol: field({
    flag: "protocol",
    env: "UNKEY_PROTOCOL",
    file: "protocol",
    help: "",
    schema: textSchema(),
  }),
};

export interface WantedOptions {
  readonly environment: string;
  readonly prune: boolean;
}

/** @throws `UsageError` without a file, and for variables whose values cannot be read */
export async function readWanted(
  { environment, prune }: WantedOptions,
  process: Pick<Process, "cwd" | "env">,
): Promise<MessageInitShape<typeof WantedEnvironmentSchema>> {
  const file = await findProjectFile(process.cwd);
  if (file === undefined) {
    throw new UsageError(
      `There is no ${PROJECT_FILE} here, nor above up to the root of the repository: "unkey init" writes one.`,
    );
  }
  const config = loadConfig(FILE_FIELDS, {
    flags: new Map(),
    env: () => undefined,
    file,
    readFile: () => "",
  });
  const [size, settings] = [sizeOf(config), appOf(config)];
  const idleEndSeconds = idleEndOf(file.ofEnvironment, environment);
  return {
    ...(size === undefined ? {} : { size }),
    ...(settings === undefined ? {} : { settings }),
    appProtocol: config.protocol ?? "",
    ...(idleEndSeconds === undefined ? {} : { idleEndSeconds: BigInt(idleEndSeconds) }),
    ...await variablesOf(file, process),
    domains: [...domainsOf(file.ofEnvironment, environment)],
    prune,
  };
}

async function variablesOf(
  file: ProjectFile,
  process: Pick<Process, "cwd" | "env">,
): Promise<{ readonly variables: Record<string, string>; readonly requiredVariables: string[] }> {
  const { variables: sources = {} } = file.ofEnvironment;
  const variables: Record<string, string> = {};
  const requiredVariables: string[] = [];
  const problems: string[] = [];
  for (const [name, source] of Object.entries(sources)) {
    const value = await valueOf(source, dirname(file.path), process);
    if (value.kind === "value") variables[name] = value.text;
    else if (value.kind === "required") requiredVariables.push(name);
    else problems.push(`  ${name}: ${value.problem}`);
  }
  if (problems.length === 0) return { variables, requiredVariables };
  throw new UsageError(
    `Variables of ${relative(process.cwd, file.path)} have no value here:\n${problems.join("\n")}\n` +
      'Set them, or write {"required": true} for a variable that is set with "unkey variables set".',
  );
}

type Value =
  | { readonly kind: "value"; readonly text: string }
  | { readonly kind: "required" }
  | { readonly kind: "missing"; readonly problem: string };

/** One line end at the end of a file is the editor's, not the value's. */
async function valueOf(
  source: VariableSource,
  folder: string,
  { env }: Pick<Process, "env">,
): Promise<Value> {
  if (typeof source !== "object") return { kind: "value", text: String(source) };
  if ("required" in source) return { kind: "required" };
  if ("env" in source) {
    const text = env(source.env);
    return text === undefined
      ? { kind: "missing", problem: `the variable ${source.env} is not set` }
      : { kind: "value", text };
  }
  try {
    const text = await readFile(resolve(folder, source.file), "utf8");
    return { kind: "value", text: text.replace(/\r?\n$/, "") };
  } catch {
    return { kind: "missing", problem: `the file ${source.file} cannot be read` };
  }
}
