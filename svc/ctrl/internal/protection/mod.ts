/**
 * Passwords of environments, as they are stored, and the keys of the links and cookies that stand for them.
 *
 * ```ts
 * const row = { password_hash: await hashPassword(password), sealed_key: await newSealedKey(vault, owner) };
 * await isPassword("guess", row.password_hash); // false
 * const key = await openKey(vault, row);        // for edges, and for links
 * ```
 *
 * @module
 */
export { hashPassword, isPassword, PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN } from "./password.ts";
export { encodeProtection, type ShownProtection, shownProtection } from "./shown.ts";
export { type KeyOwner, newSealedKey, openKey } from "./key.ts";
