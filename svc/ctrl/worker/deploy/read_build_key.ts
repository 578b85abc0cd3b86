/** The build key of a deployment, from its inputs as they were when it was created. */
import { frontendOf, FRONTENDS_DEFAULT, isAllowedFrontend } from "../../../../pkg/build/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import { buildKey, deploymentArguments, mentions, openBuildSecrets } from "../../internal/builds/mod.ts";
import { decodeStringMap } from "../../internal/json.ts";
import {
  type BuildInputs,
  contextIdOfPath,
  type CtrlDatabase,
  type DeploymentsTable,
  findContext,
} from "../../internal/store/mod.ts";

export interface BuildKeyDeps {
  readonly db: CtrlDatabase;
  /** Opens variables and secrets; `undefined`: the worker has no master keys. */
  readonly vault: Vault | undefined;
  /** Platform of builds that name none; `undefined`: the builder's own. */
  readonly platform: string | undefined;
}

/**
 * The key of a deployment's build; `undefined` where it is not known what decides the image: for an archive,
 * and for a file that is not read as a Dockerfile.
 *
 * Facts about the deployment count where the Dockerfile mentions them. Variables and secrets count as soon as it mentions secrets, all of
 * them: one that the build does not read costs a build when it changes.
 *
 * @throws `internal` for a variable or secret that cannot be opened
 */
export async function readBuildKey(
  deps: BuildKeyDeps,
  row: DeploymentsTable,
  inputs: BuildInputs,
): Promise<string | undefined> {
  const { dockerfile: content, settings } = inputs;
  // `pull` and `noCache` force a build, and do not decide its image.
  const {
    arguments: given,
    target,
    platform,
    variableArguments: _,
    noCache: _force,
    pull: _newer,
    ...others
  } = settings;
  // A setting that is new here does not compile until it is in the key.
  others satisfies Readonly<Record<string, never>>;
  const contextId = contextIdOfPath(row.build_context_path ?? "");
  if (content === undefined || contextId === undefined) return undefined;
  const frontend = frontendOf(content, given);
  if (frontend !== undefined && !isAllowedFrontend(frontend, FRONTENDS_DEFAULT)) return undefined;
  const context = await findContext(deps.db.kysely, row.project_id, contextId);
  if (context === undefined) return undefined;

  const text = new TextDecoder().decode(content);
  const secrets = await readSecrets(deps.vault, row, inputs, mentions(text.toLowerCase(), "secret"));
  if (secrets === undefined) return undefined;
  const facts = Object.entries(deploymentArguments(row)).filter(([name]) => mentions(text, name));
  return buildKey({
    contentId: context.content_id,
    dockerfile: { path: row.dockerfile_path ?? "", content },
    platform: platform || (deps.platform ?? ""),
    target,
    arguments: { ...Object.fromEntries(facts), ...given },
    secretsDigest: secrets.length === 0
      ? ""
      : deps.vault?.digest(row.project_id, JSON.stringify(secrets)) ?? "",
  });
}

type Value = readonly [kind: "argument" | "secret" | "variable", name: string, value: string];

/** Values that the build can read, in order; `undefined`: there are some, and no master keys to open them. */
async function readSecrets(
  vault: Vault | undefined,
  row: DeploymentsTable,
  { settings, sealedSecrets }: BuildInputs,
  readsSecrets: boolean,
): Promise<readonly Value[] | undefined> {
  const environmentId = row.environment_id;
  const variables = Object.entries(decodeStringMap(row.encrypted_environment_variables));
  const given = readsSecrets ? sealedSecrets : {};
  const read = variables.flatMap(([name, sealed]) => [
    ...(settings.variableArguments.includes(name) ? [{ kind: "argument", name, sealed } as const] : []),
    ...(readsSecrets ? [{ kind: "variable", name, sealed } as const] : []),
  ]);
  if (read.length === 0 && Object.keys(given).length === 0) return [];
  if (vault === undefined) return undefined;
  const opened: Value[] = [];
  for (const { kind, name, sealed } of read) {
    opened.push([kind, name, await vault.decrypt(environmentId, name, sealed)]);
  }
  const owner = { environmentId, deploymentId: row.id };
  for (const [id, bytes] of await openBuildSecrets(vault, owner, given)) {
    opened.push(["secret", id, bytes.toBase64()]);
  }
  return opened.toSorted(([kindA, a], [kindB, b]) => `${kindA} ${a}` < `${kindB} ${b}` ? -1 : 1);
}
