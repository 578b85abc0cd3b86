import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { KEY_BYTES } from "../../../../pkg/access_proof/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import type { ProtectionsTable } from "../store/mod.ts";

/** The row that a key belongs to. */
export type KeyOwner = Pick<ProtectionsTable, "workspace_id" | "project_id" | "environment_id">;

/** A new key at rest, bound to its row. */
export async function newSealedKey(vault: Vault, owner: KeyOwner): Promise<string> {
  return await vault.encrypt(owner.workspace_id, purposeOf(owner), randomBytes(KEY_BYTES).toString("base64"));
}

/** The key of a row. */
export async function openKey(
  vault: Vault,
  row: KeyOwner & Pick<ProtectionsTable, "sealed_key">,
): Promise<Uint8Array> {
  return Buffer.from(await vault.decrypt(row.workspace_id, purposeOf(row), row.sealed_key), "base64");
}

function purposeOf({ project_id, environment_id }: KeyOwner): string {
  return `protection:${project_id}:${environment_id}`;
}
