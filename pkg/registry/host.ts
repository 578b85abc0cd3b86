/** A registry's host in the one form that credentials are stored and looked up by. */

/** Docker Hub, by whichever of its names it was given. */
export const DOCKER_HUB = "docker.io";
const DOCKER_HUB_NAMES = [DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "hub.docker.com"];

/** Characters of a host with its port. */
const HOST_CHARACTERS_MAX = 255;
/** Longer texts are not looked at, so that no pattern has much to do. */
const GIVEN_CHARACTERS_MAX = 512;
const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const HOST = new RegExp(`^${LABEL}(?:\\.${LABEL})*(?::([0-9]{1,5}))?$`);
const PORT_MAX = 65_535;
const EXAMPLES = 'must be a registry\'s host like "ghcr.io" or "registry.example.com:5000"';

/** A host, or the rule that the text breaks. */
export type ParsedHost =
  | { readonly kind: "host"; readonly host: string }
  /** Begins with "must" and never repeats the text, which may hold a password. */
  | { readonly kind: "problem"; readonly problem: string };

/** Reads `host[:port]`; a URL's scheme, slashes at the end and the API's version (`/v1/`, `/v2/`) are left out. */
export function parseRegistryHost(given: string): ParsedHost {
  if (given.length > GIVEN_CHARACTERS_MAX) return problem(EXAMPLES);
  const bare = given.trim().toLowerCase().replace(/^https?:\/\//, "").replace(/(?<!\/)\/+$/, "").replace(
    /(?<!\/)\/+v[12]$/,
    "",
  );
  if (bare.includes("@")) return problem("must not contain a user name or password");
  if (bare.includes("/")) {
    return problem("must not have a path: credentials are for a whole registry, so give its host alone");
  }
  const match = bare.length > HOST_CHARACTERS_MAX ? null : HOST.exec(bare);
  const port = Number(match?.[1] ?? PORT_MAX);
  if (match === null || port < 1 || port > PORT_MAX) {
    return problem(EXAMPLES);
  }
  // Such a first word of an image's name is a user of Docker Hub, so no build would ask for it.
  if (!/[.:]/.test(bare) && bare !== "localhost") {
    return problem('must have a dot or a port, as in "registry.example.com": a single word is no registry');
  }
  return { kind: "host", host: DOCKER_HUB_NAMES.includes(bare) ? DOCKER_HUB : bare };
}

/** The host in the form that `parseRegistryHost` gives; text that is no host stays as it is. */
export function canonicalRegistryHost(host: string): string {
  const parsed = parseRegistryHost(host);
  return parsed.kind === "host" ? parsed.host : host;
}

function problem(text: string): ParsedHost {
  return { kind: "problem", problem: text };
}
