import { Secret } from "../../../pkg/config/mod.ts";
import { sha256Hex } from "../../../pkg/hash/mod.ts";

/**
 * The key that signs the URLs of a folder of build contexts when none is set. Api and worker derive the same key from the
 * same master keys, which cannot be computed from it.
 */
export function filesSigningKey(masterKeys: Secret): Secret {
  return new Secret(sha256Hex(`unkey build files\n${masterKeys.reveal()}`));
}
