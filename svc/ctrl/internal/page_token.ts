/** Page tokens of lists that are ordered by time and id, newest first. */
import { publicFault } from "../../../pkg/fault/mod.ts";

/** A page that a caller asks for. */
export interface PageRequest {
  /** 0: the default. */
  readonly pageSize: number;
  /** Empty: the first. */
  readonly pageToken: string;
}

/** The last entry of a page. */
export interface PagePosition {
  readonly createdAt: number;
  readonly id: string;
}

/** The token that continues after `last`. */
export function encodePageToken({ createdAt, id }: PagePosition): string {
  return btoa(`${createdAt}:${id}`).replace(/(?<!=)=+$/, "");
}

/** The page of what was found, which is one row more than fits when there are more; the token is empty on the last. */
export function pageOf<T extends { readonly id: string; readonly created_at: number }>(
  found: readonly T[],
  size: number,
): { readonly rows: readonly T[]; readonly nextPageToken: string } {
  const rows = found.slice(0, size);
  const last = rows.at(-1);
  if (found.length <= size || last === undefined) return { rows, nextPageToken: "" };
  return { rows, nextPageToken: encodePageToken({ createdAt: last.created_at, id: last.id }) };
}

/** Where a page begins; `undefined` for the first one. @throws `invalid_argument` for what no list returned */
export function decodePageToken(token: string, idPrefix: string): PagePosition | undefined {
  if (token === "") return undefined;
  const text = /^[A-Za-z0-9+/]{1,200}$/.test(token) ? decodeBase64(token) : undefined;
  const match = text === undefined ? null : /^(\d{1,15}):(([a-z]+)_[A-Za-z0-9]+)$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined || match[3] !== idPrefix) {
    throw publicFault("invalid_argument", "page_token is not one that a list returned: start without it");
  }
  return { createdAt: Number(match[1]), id: match[2] };
}

function decodeBase64(text: string): string | undefined {
  try {
    return atob(text);
  } catch {
    // A length that base64 cannot have.
    return undefined;
  }
}
