import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { type Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { certificateHostname, isPublicSuffix } from "../certificates/mod.ts";
import { invalid } from "../validate/mod.ts";

/** Leaves room for `_unkey.` in front of it. */
const HOSTNAME_CHARACTERS_MAX = 246;
const GIVEN_CHARACTERS_MAX = 1_000;

/**
 * A name that a user may bring, as certificates and the DNS have it: lower case, IDNs as punycode, no dot at its end.
 *
 * @throws `invalid_argument` for what is no such name, `failed_precondition` for a name of the platform
 */
export function customHostname(field: string, value: string, ownDomains: readonly string[]): string {
  if (value === "") throw invalid(field, "is required");
  if (value.length > GIVEN_CHARACTERS_MAX) throw invalid(field, "is too long to be a host name");
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value) || value.includes("/")) {
    throw invalid(field, "must be a host name alone, without https:// and without a path", value);
  }
  if (value.includes("*")) {
    throw invalid(field, "must not contain *: add each name that you want on its own", value);
  }
  const bare = value.replace(/\.$/, "");
  if (isIP(bare.replace(/^\[|\]$/g, "")) !== 0) {
    throw invalid(field, "must be a name, not an IP address", value);
  }
  const hostname = certificateHostname(field, isPlain(value) ? value : domainToASCII(value));
  if (hostname.length > HOSTNAME_CHARACTERS_MAX) {
    throw invalid(field, `must have at most ${HOSTNAME_CHARACTERS_MAX} characters`, value);
  }
  if (isPublicSuffix(hostname)) {
    throw invalid(field, "must be a name that can be yours: below it, anybody can have one", value);
  }
  const own = ownDomains.find((each) => isWithin(hostname, each));
  if (own !== undefined) throw ownName(hostname, own);
  return hostname;
}

/** True for the domain itself and all names below it. */
export function isWithin(hostname: string, domain: string): boolean {
  return hostname === domain || hostname.endsWith(`.${domain}`);
}

/** Only text beyond ASCII is an IDN: `domainToASCII` would decode `%61.com`, too. */
function isPlain(text: string): boolean {
  // deno-lint-ignore no-control-regex -- it looks for what is beyond ASCII
  return /^[\x00-\x7f]*$/.test(text);
}

function ownName(hostname: string, own: string): Fault {
  return publicFault(
    "failed_precondition",
    `"${hostname}" is a name of the platform, which gives out all names below "${own}" itself. ` +
      "Add a name of a domain that is yours.",
  );
}
