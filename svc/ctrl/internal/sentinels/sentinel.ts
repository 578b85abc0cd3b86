import { newDnsName, newId, newSecretToken } from "../../../../pkg/uid/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import { credentialHash } from "../auth/hash.ts";
import { PRODUCTION_SLUG } from "../deployments/domains.ts";
import type { SentinelShape, WantedSentinel } from "../store/mod.ts";

/** Image and resources by environment. */
export interface SentinelShapes {
  readonly production: SentinelShape;
  readonly other: SentinelShape;
}

/** Absent where sentinels are switched off. */
export interface SentinelMaker {
  readonly vault: Vault;
  readonly shapes: SentinelShapes;
}

export interface SentinelOwner {
  readonly workspaceId: string;
  readonly projectId: string;
  readonly environmentId: string;
  readonly environmentSlug: string;
  readonly region: string;
}

/** The prefix of a token, by which the api recognizes its kind. */
export const SENTINEL_TOKEN_PREFIX = "sentinel";
const NAME_LENGTH = 8;
/** The address of a sentinel, unless its agent reports another one. */
const ADDRESS_SUFFIX = "sentinel.svc.cluster.local:8040";

/** The sentinel that this environment should have in a region. Call it outside of transactions: it may make a data key. */
export async function wantSentinel(
  { vault, shapes }: SentinelMaker,
  owner: SentinelOwner,
  nowMs: number,
): Promise<WantedSentinel> {
  const { environmentSlug, ...ids } = owner;
  const token = newSecretToken(SENTINEL_TOKEN_PREFIX);
  const k8sName = newDnsName(NAME_LENGTH);
  return {
    ...ids,
    ...(environmentSlug === PRODUCTION_SLUG ? shapes.production : shapes.other),
    id: newId("sentinel", nowMs),
    k8sName,
    k8sAddress: `${k8sName}.${ADDRESS_SUFFIX}`,
    tokenHash: credentialHash(token),
    encryptedToken: await vault.encrypt(owner.environmentId, secretName(owner.region), token),
  };
}

/** The token of a sentinel, for its region's agent. */
export async function revealToken(
  vault: Vault,
  sentinel: { readonly environment_id: string; readonly region: string; readonly encrypted_token: string },
): Promise<string> {
  const { environment_id: environmentId, region, encrypted_token: ciphertext } = sentinel;
  return await vault.decrypt(environmentId, secretName(region), ciphertext);
}

/** No variable can have such a name, so neither can be taken for the other. */
function secretName(region: string): string {
  return `sentinel:${region}`;
}
