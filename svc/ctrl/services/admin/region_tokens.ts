import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { parseNetwork } from "../../../../pkg/networks/mod.ts";
import { newId, newSecretToken, parseId } from "../../../../pkg/uid/mod.ts";
import { credentialHash } from "../../internal/auth/hash.ts";
import { decodePageToken, pageOf, type PageRequest } from "../../internal/page_token.ts";
import {
  createRegionToken as recordRegionToken,
  EDGE_REGION,
  listRegionTokens as readRegionTokens,
  recordAudit,
  type RegionTokensTable,
  revokeRegionToken as markRevoked,
} from "../../internal/store/mod.ts";
import { invalid, pageSize } from "../../internal/validate/mod.ts";
import type { AdminDeps } from "./deps.ts";

const PAGE_SIZE = 100;
const PAGE_SIZE_MAX = 500;

/** A new region token; only its hash is stored. */
export interface NewRegionToken {
  readonly id: string;
  readonly token: string;
}

const NETWORKS_MAX = 32;

/**
 * Creates the credential of a region's agent, or of an edge for the region `*`. The addresses that the agent reports must
 * lie in `networks`.
 *
 * @throws `invalid_argument`
 */
export async function createRegionToken(
  { db, clock }: AdminDeps,
  { region, networks }: { readonly region: string; readonly networks: readonly string[] },
): Promise<NewRegionToken> {
  if (region !== EDGE_REGION && !/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(region)) {
    throw invalid("region", 'must look like "us-east-1.aws", or be "*" for an edge', region);
  }
  checkNetworks(region, networks);
  const token = newSecretToken("region");
  const nowMs = clock.now();
  const id = newId("regionToken", nowMs);
  await transact(db, async (tx) => {
    await recordRegionToken(tx, { id, region, hash: credentialHash(token), networks, nowMs });
    await recordAudit(tx, {
      workspaceId: "",
      actor: { kind: "service" },
      action: "region_token.create",
      resource: { type: "region_token", id },
      facts: { region, ...networks.length === 0 ? {} : { networks: networks.join(",") } },
      nowMs,
    });
  });
  return { id, token };
}

function checkNetworks(region: string, networks: readonly string[]): void {
  if (networks.length > NETWORKS_MAX) throw invalid("networks", `must be at most ${NETWORKS_MAX}`);
  if (region === EDGE_REGION && networks.length > 0) {
    throw invalid("networks", "are those of a region's instances: an edge has none");
  }
  for (const each of networks) {
    if (parseNetwork(each) !== undefined) continue;
    throw invalid("networks", 'must be networks or addresses such as "10.0.0.0/8" or "fd00::/8"', each);
  }
}

/** Lists the tokens that are not revoked, newest first. */
export async function listRegionTokens(
  { db }: AdminDeps,
  page: PageRequest,
): Promise<ReturnType<typeof pageOf<RegionTokensTable>>> {
  const size = pageSize(page.pageSize, PAGE_SIZE, PAGE_SIZE_MAX);
  const before = decodePageToken(page.pageToken, "rt");
  return pageOf(await readRegionTokens(db.kysely, { before, limit: size + 1 }), size);
}

/** Revokes a token; api processes notice within seconds. @throws `not_found` */
export async function revokeRegionToken({ db, clock }: AdminDeps, tokenId: string): Promise<void> {
  const id = parseId("regionToken", "token_id", tokenId);
  const nowMs = clock.now();
  const region = await transact(db, async (tx) => {
    const region = await markRevoked(tx, { id, nowMs });
    if (region === undefined) return undefined;
    await recordAudit(tx, {
      workspaceId: "",
      actor: { kind: "service" },
      action: "region_token.revoke",
      resource: { type: "region_token", id },
      facts: { region },
      nowMs,
    });
    return region;
  });
  if (region === undefined) {
    throw publicFault("not_found", `Region token "${id}" was not found, or was revoked before.`);
  }
}
