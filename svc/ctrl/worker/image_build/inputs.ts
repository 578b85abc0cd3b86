/** The settings of a build: its options, secrets and credentials, as they were when the deployment was created. */
import type { BuildOptions, BuildRequest, Dockerfile } from "../../../../pkg/build/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import { deploymentArguments, openBuildSecrets } from "../../internal/builds/mod.ts";
import { decodeStringMap } from "../../internal/json.ts";
import { type CtrlDatabase, findBuildInputs, findDeployment } from "../../internal/store/mod.ts";
import type { BuildJob } from "./types.ts";

export interface InputsDeps {
  readonly db: CtrlDatabase;
  /** Opens variables and secrets; `undefined`: the worker has no master keys. */
  readonly vault?: Vault | undefined;
  /** Credentials for base images of a workspace. */
  readonly credentialsOf: (workspaceId: string) => Promise<BuildRequest["credentials"]>;
  /** Platform of builds that name none; `undefined`: the builder's own. */
  readonly platform?: string | undefined;
}

export interface BuildInputs {
  /** `undefined`: it is inside the archive. */
  readonly dockerfile: Dockerfile | undefined;
  readonly options: BuildOptions;
  readonly secrets: BuildRequest["secrets"];
  readonly credentials: BuildRequest["credentials"];
}

/**
 * Reads the inputs of a deployment. Variables of its environment are secrets of the build by name, and arguments only where the
 * settings say so. Secrets are opened when the build asks for them.
 *
 * @throws `failed_precondition` for a variable that is an argument when there is no master key; the secrets throw it likewise
 */
export async function loadInputs(deps: InputsDeps, job: BuildJob): Promise<BuildInputs> {
  const { db, credentialsOf } = deps;
  const row = await findDeployment(db.kysely, job.deploymentId);
  if (row === undefined) throw new Fault("cancelled", `${job.deploymentId} is missing, not building`);
  const stored = await findBuildInputs(db.kysely, job.deploymentId);
  const keyring = row.environment_id;
  const variables = decodeStringMap(row.encrypted_environment_variables);
  const given = stored?.sealedSecrets ?? {};
  const { target, noCache = false, pull = false, variableArguments = [] } = stored?.settings ?? {};
  const platform = stored?.settings.platform || deps.platform;
  return {
    dockerfile: stored?.dockerfile && { path: job.dockerfile, content: stored.dockerfile },
    options: {
      arguments: {
        ...deploymentArguments(row),
        ...await openVariables(deps, { keyring, variables, names: variableArguments }),
        ...stored?.settings.arguments,
      },
      noCache,
      pull,
      ...(target ? { target } : {}),
      ...(platform ? { platform } : {}),
    },
    async secrets(id) {
      const [secret, variable] = [
        Object.hasOwn(given, id) && given[id],
        Object.hasOwn(variables, id) && variables[id],
      ];
      if (secret) {
        const owner = { environmentId: keyring, deploymentId: row.id };
        return (await openBuildSecrets(requireVault(deps), owner, { [id]: secret })).get(id);
      }
      if (!variable) return undefined;
      return new TextEncoder().encode(await requireVault(deps).decrypt(keyring, id, variable));
    },
    credentials: await credentialsOf(job.workspaceId),
  };
}

function requireVault({ vault }: InputsDeps): Vault {
  if (vault === undefined) throw noMasterKeys();
  return vault;
}

async function openVariables(
  deps: InputsDeps,
  { keyring, variables, names }: {
    readonly keyring: string;
    readonly variables: Readonly<Record<string, string>>;
    readonly names: readonly string[];
  },
): Promise<Record<string, string>> {
  const chosen = Object.entries(variables).filter(([name]) => names.includes(name));
  const opened = chosen.map(async ([name, text]) =>
    [name, await requireVault(deps).decrypt(keyring, name, text)] as const
  );
  return Object.fromEntries(await Promise.all(opened));
}

function noMasterKeys(): Fault {
  return new Fault(
    "failed_precondition",
    "a build has secrets, and UNKEY_VAULT_MASTER_KEYS of the worker is not set",
    {
      publicMessage:
        "The build needs variables or secrets that this platform cannot open. Ask its operator to set " +
        "UNKEY_VAULT_MASTER_KEYS of the worker, then deploy again.",
    },
  );
}
