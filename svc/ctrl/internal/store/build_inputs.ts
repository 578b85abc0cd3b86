/** Inputs of builds beside their archives. */
import { z } from "zod";
import { decodeStringMap } from "../json.ts";
import type { Queryable, Tx } from "./database.ts";

/** The options of `docker build` that a deployment was created with. */
export interface BuildInputSettings {
  readonly arguments: Readonly<Record<string, string>>;
  /** Stage to build; empty: the last one. */
  readonly target: string;
  readonly noCache: boolean;
  readonly pull: boolean;
  /** E.g. `linux/amd64`; empty: the builder's own. */
  readonly platform: string;
  /** Environment variables that the build gets as arguments, too. */
  readonly variableArguments: readonly string[];
}

/** Inputs of one build. */
export interface BuildInputs {
  /** `undefined`: the archive holds it. */
  readonly dockerfile: Uint8Array | undefined;
  readonly settings: BuildInputSettings;
  /** Ciphertexts by the secrets' ids; `openBuildSecrets` opens them. Empty once the build is over. */
  readonly sealedSecrets: Readonly<Record<string, string>>;
}

const Settings = z.object({
  arguments: z.record(z.string(), z.string()).default({}),
  target: z.string().default(""),
  noCache: z.boolean().default(false),
  pull: z.boolean().default(false),
  platform: z.string().default(""),
  variableArguments: z.array(z.string()).default([]),
});

/** Records the inputs of a deployment that is created in the same transaction. */
export async function createBuildInputs(
  tx: Tx,
  { deploymentId, inputs, nowMs }: {
    readonly deploymentId: string;
    readonly inputs: BuildInputs;
    readonly nowMs: number;
  },
): Promise<void> {
  await tx.insertInto("build_inputs").values({
    deployment_id: deploymentId,
    dockerfile: inputs.dockerfile ?? null,
    settings: JSON.stringify(inputs.settings),
    sealed_secrets: JSON.stringify(inputs.sealedSecrets),
    created_at: nowMs,
  }).execute();
}

/** The inputs of a deployment's build, by primary key; `undefined`: it runs an image, or is older than the table. */
export async function findBuildInputs(db: Queryable, deploymentId: string): Promise<BuildInputs | undefined> {
  const row = await db.selectFrom("build_inputs").selectAll()
    .where("deployment_id", "=", deploymentId).executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    // The drivers' own classes of bytes do not go further than this.
    dockerfile: row.dockerfile === null ? undefined : new Uint8Array(row.dockerfile),
    settings: Settings.parse(JSON.parse(row.settings)),
    sealedSecrets: decodeStringMap(row.sealed_secrets),
  };
}

/** Removes the secrets of a finished build. Idempotent. */
export async function deleteBuildSecrets(db: Queryable, deploymentId: string): Promise<void> {
  await db.updateTable("build_inputs").set({ sealed_secrets: "{}" })
    .where("deployment_id", "=", deploymentId).where("sealed_secrets", "!=", "{}").execute();
}
