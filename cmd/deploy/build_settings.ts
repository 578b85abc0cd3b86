import type { MessageInitShape } from "@bufbuild/protobuf";
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type Process, UsageError } from "../../pkg/cli/mod.ts";
import type { ConfigOf } from "../../pkg/config/mod.ts";
import type { BuildSettingsSchema } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { BUILD_FIELDS } from "./build_fields.ts";
import type { SecretSpec } from "../shared/build_specs.ts";

/** Settings of a build with the values that variables and files hold. */
export interface ReadBuild {
  readonly settings: MessageInitShape<typeof BuildSettingsSchema>;
  /** For the user; they hold no values. */
  readonly notes: readonly string[];
}

const SECRET_BYTES_MAX = 256 * 1024;

/**
 * Reads the values of arguments and secrets from the command's own variables and from files, as `docker build` does: an
 * argument whose variable is not set is left out, and a secret whose variable is not set is empty.
 *
 * @throws `UsageError` for a file that cannot be read, or is larger than 256 KiB
 */
export async function readBuildSettings(
  config: ConfigOf<typeof BUILD_FIELDS>,
  { cwd, env }: Pick<Process, "cwd" | "env">,
): Promise<ReadBuild> {
  const { buildArguments, buildSecrets, buildVariables, target, platform, noCache, pull } = config;
  const values = buildArguments.flatMap(({ name, value = env(name) }) =>
    value === undefined ? [] : [[name, value] as const]
  );
  const secrets = await Promise.all(
    buildSecrets.map(async (spec) => [spec.id, await read(spec, { cwd, env })] as const),
  );
  const notes = secrets.filter(([, { missing }]) => missing !== undefined).map(([id, { missing = "" }]) =>
    `the secret "${id}" is empty: the variable ${missing} is not set`
  );
  return {
    settings: {
      arguments: Object.fromEntries(values),
      secrets: Object.fromEntries(secrets.map(([id, { content }]) => [id, content])),
      variableArguments: [...buildVariables],
      target,
      platform,
      noCache,
      pull,
    },
    notes,
  };
}

interface ReadSecret {
  readonly content: Uint8Array;
  /** The variable that should have it. */
  readonly missing?: string;
}

async function read(
  { id, source }: SecretSpec,
  { cwd, env }: Pick<Process, "cwd" | "env">,
): Promise<ReadSecret> {
  if (source.kind === "either") {
    const kind = env(id) === undefined ? "file" : "env";
    return await read({ id, source: kind === "env" ? { kind, name: id } : { kind, path: id } }, { cwd, env });
  }
  if (source.kind === "file") return { content: await readSecretFile(id, resolve(cwd, source.path)) };
  const value = env(source.name);
  const content = new TextEncoder().encode(value ?? "");
  if (content.length > SECRET_BYTES_MAX) throw tooLarge(id);
  return value === undefined ? { content, missing: source.name } : { content };
}

async function readSecretFile(id: string, path: string): Promise<Uint8Array> {
  const content = await sized(path).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    const text = `The file of the secret "${id}" cannot be read: ${why}. Correct its path, or leave it out.`;
    throw new UsageError(text, { cause: error });
  });
  if (content === undefined || content.length > SECRET_BYTES_MAX) throw tooLarge(id);
  return content;
}

/** Nothing for a file that is too large to be read. */
async function sized(path: string): Promise<Uint8Array | undefined> {
  if ((await stat(path)).size > SECRET_BYTES_MAX) return undefined;
  return await readFile(path);
}

function tooLarge(id: string): Error {
  return new UsageError(
    `The secret "${id}" is larger than ${SECRET_BYTES_MAX / 1024} KiB: choose another file or variable.`,
  );
}
