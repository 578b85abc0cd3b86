/** Page tokens of lists that are ordered by time and id, newest first. */
import { publicFault } from "../../../pkg/fault/mod.ts";

/** The last entry of a page. */
export interface PagePosition {
  readonly createdAt: number;
  readonly id: string;
}

/** The token that continues after `last`. */
export function encodePageToken({ createdAt, id }: PagePosition): string {
  return btoa(`${createdAt}:${id}`).replace(/=+$/, "");
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
