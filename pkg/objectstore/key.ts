import { publicFault } from "../fault/mod.ts";

const KEY_LENGTH_MAX = 512;
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/** True if `key` can name an object: see {@link ObjectStore}. */
export function isObjectKey(key: string): boolean {
  return key.length <= KEY_LENGTH_MAX && key.split("/").every((segment) => SEGMENT.test(segment));
}

/** Throws `invalid_argument` unless `key` can name an object. */
export function checkKey(key: string): void {
  if (isObjectKey(key)) return;
  throw publicFault("invalid_argument", `"${key.slice(0, 80)}" cannot be the key of an object.`);
}
