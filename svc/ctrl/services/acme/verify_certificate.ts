import { publicFault } from "../../../../pkg/fault/mod.ts";
import { certificateHostname } from "../../internal/certificates/mod.ts";
import { type CtrlDatabase, findKeyAuthorization } from "../../internal/store/mod.ts";
import { text } from "../../internal/validate/mod.ts";

export interface AcmeDeps {
  readonly db: CtrlDatabase;
}

const TOKEN_CHARACTERS_MAX = 255;

/**
 * The answer of an edge to an authority. It is read from the database each time: a name that was added a moment ago is
 * answered for, and one primary key costs little.
 *
 * @throws `not_found` when no order of the name has this token
 */
export async function verifyCertificate(
  { db }: AcmeDeps,
  { domain, token }: { readonly domain: string; readonly token: string },
): Promise<string> {
  const hostname = certificateHostname("domain", text("domain", domain, TOKEN_CHARACTERS_MAX));
  const found = await findKeyAuthorization(db.kysely, hostname, text("token", token, TOKEN_CHARACTERS_MAX));
  if (found !== undefined) return found;
  throw publicFault("not_found", `No certificate is being ordered for "${hostname}" with this token.`);
}
