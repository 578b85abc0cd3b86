/** Deployments of contexts by content, for tests of builds and of images that are used again. */
import { systemClock } from "../../../pkg/clock/mod.ts";
import { transact } from "../../../pkg/db/mod.ts";
import { MemoryDataKeys } from "../../../pkg/testkit/data_keys.ts";
import { createVault, type Vault } from "../../../pkg/vault/mod.ts";
import { sealBuildSecrets } from "../internal/builds/mod.ts";
import {
  type BuildInputSettings,
  contextPath,
  createBuildInputs,
  createDeployment,
  type CtrlDatabase,
  type DeploymentsTable,
  type NewDeployment,
} from "../internal/store/mod.ts";
import { newDeployment, NOW_MS, type Seed } from "../internal/store/testing.ts";
import { seedContext } from "../internal/store/testing_content.ts";

export const NO_SETTINGS: BuildInputSettings = {
  arguments: {},
  target: "",
  noCache: false,
  pull: false,
  platform: "",
  variableArguments: [],
};

/** A vault whose keys are in memory; the same master key each time, unless a byte says otherwise. */
export function memoryVault(byte = 7): Vault {
  return createVault({
    masterKeys: [{ id: "m", bytes: new Uint8Array(32).fill(byte) }],
    store: new MemoryDataKeys(),
    clock: systemClock(),
  });
}

/** The inputs of a build that a test changes. */
export interface GivenBuild {
  readonly contentId?: string;
  /** `undefined`: `FROM scratch`; `null`: the archive holds it. */
  readonly dockerfile?: string | null;
  readonly settings?: Partial<BuildInputSettings>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly row?: Partial<NewDeployment>;
}

/** A pending deployment of a context of its own, which is equal to another one's when their content ids are. */
export async function seedBuild(
  db: CtrlDatabase,
  seed: Seed,
  given: GivenBuild = {},
  vault: Vault = memoryVault(),
): Promise<DeploymentsTable> {
  const { contentId = "content", dockerfile = "FROM scratch\n", settings, variables, secrets, row } = given;
  const context = await seedContext(db, seed, [], { content_id: contentId });
  const environmentId = row?.environment_id ?? seed.productionId;
  const sealed: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables ?? {})) {
    sealed[name] = await vault.encrypt(environmentId, name, value);
  }
  const created = newDeployment(seed, {
    source: "context",
    image: null,
    build_context_path: contextPath(context.id),
    dockerfile_path: "Dockerfile",
    encrypted_environment_variables: JSON.stringify(sealed),
    ...row,
  });
  const secretsById = new Map(
    Object.entries(secrets ?? {}).map(([id, text]) => [id, new TextEncoder().encode(text)]),
  );
  const sealedSecrets = await sealBuildSecrets(
    vault,
    { environmentId, deploymentId: created.id },
    secretsById,
  );
  return await transact(db, async (tx) => {
    const { deployment } = await createDeployment(tx, created);
    const inputs = {
      dockerfile: dockerfile === null ? undefined : new TextEncoder().encode(dockerfile),
      settings: { ...NO_SETTINGS, ...settings },
      sealedSecrets,
    };
    await createBuildInputs(tx, { deploymentId: deployment.id, inputs, nowMs: NOW_MS });
    return deployment;
  });
}
