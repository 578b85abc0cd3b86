/** A file with a region's token, for an agent or an edge that reads it with `UNKEY_CONTROL_PLANE_BEARER_FILE`. */
import type { Client } from "@connectrpc/connect";
import { publicFault } from "../../pkg/fault/mod.ts";
import { writeWhole } from "../../pkg/files/mod.ts";
import type { AdminService, RegionToken } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { allPages } from "../shared/pages.ts";

type Admin = Client<typeof AdminService>;

/** A token that a file has. */
export interface KeptToken {
  readonly tokenId: string;
  /** `false`: the file was there, and its token is still good. */
  readonly created: boolean;
}

/**
 * Puts a new token of the region into the file, unless the token that is there is still good and has these networks. A token
 * with other networks is revoked once the new one is in its place. Its id is in a second file,
 * `<path>.id`, because a token alone does not show whether it was revoked.
 *
 * @throws `failed_precondition` when the file cannot be written; the token is revoked then
 */
export async function keepToken(
  admin: Admin,
  wanted: { readonly path: string; readonly region: string; readonly networks: readonly string[] },
  signal: AbortSignal,
): Promise<KeptToken> {
  const { path, region, networks } = wanted;
  const known = await goodToken(admin, { path, region }, signal);
  if (known !== undefined && isSame(known.networks, networks)) return { tokenId: known.id, created: false };
  const { token, tokenId } = await admin.createRegionToken({ region, networks: [...networks] }, { signal });
  try {
    await writeWhole(path, `${token}\n`);
    await writeWhole(`${path}.id`, `${tokenId}\n`);
  } catch (cause) {
    await admin.revokeRegionToken({ tokenId }, { signal });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw publicFault(
      "failed_precondition",
      `The token file ${path} cannot be written: ${reason}. Its folder has to be there, and writable for this user.`,
      { cause },
    );
  }
  if (known !== undefined) await admin.revokeRegionToken({ tokenId: known.id }, { signal });
  return { tokenId, created: true };
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.toSorted().join() === other.toSorted().join();
}

async function goodToken(
  admin: Admin,
  { path, region }: { readonly path: string; readonly region: string },
  signal: AbortSignal,
): Promise<RegionToken | undefined> {
  if (await textOf(path) === "") return undefined;
  const id = await textOf(`${path}.id`);
  const tokens = await allPages(async (pageToken) => {
    const { tokens: rows, nextPageToken } = await admin.listRegionTokens({ pageToken }, { signal });
    return { rows, nextPageToken };
  });
  return tokens.find((each) => each.id === id && each.region === region);
}

/** Empty when there is no such file. */
async function textOf(path: string): Promise<string> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
