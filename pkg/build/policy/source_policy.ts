import { create } from "@bufbuild/protobuf";
import {
  MatchType,
  type Policy,
  PolicyAction,
  PolicySchema,
} from "../../../proto/gen/moby/buildkit/v1/sourcepolicy/policy_pb.ts";

/** The sources that a build may read. */
export interface SourceRules {
  /** Hosts of the platform, as `host` or `host:port`: nothing may be read from them. */
  readonly deniedHosts: readonly string[];
  /**
   * Registries that may be used although their address is private, as `host[:port]`, and parts of the registry of built images that
   * every build may read, as `host[:port]/path`.
   */
  readonly trustedRegistries: readonly string[];
  /** The registry of built images, as images are named; its credentials would open all of it. */
  readonly registryName?: string;
  /** Images in that registry that this build may read: their names begin with it. */
  readonly ownImages?: string;
  /** Images that a `# syntax=` line may name, without a tag. */
  readonly frontends: readonly string[];
  /** Whether sources of private networks may be read: for a builder that serves its owner only. */
  readonly privateNetworks: boolean;
}

/** Frontends whose cache mounts are kept apart by workspace; another one could name those of other workspaces. */
export const FRONTENDS_DEFAULT: readonly string[] = [
  "docker.io/docker/dockerfile",
  "docker.io/docker/dockerfile-upstream",
];

const POLICY_VERSION = 1n;
/** Schemes of sources that open a connection. */
const REMOTE = "(?:https?|git|ssh|docker-image|oci-layout|frontend-image)";
/** RE2 has no look-ahead, so that a host ends at one of these. */
const HOST_END = "(?::[0-9]+)?(?:[/?#].*)?$";

/**
 * The rules as BuildKit takes them; the last one that matches decides. They work on names: a name that resolves to a private
 * address, and a redirect to one, need a network that does not reach it.
 */
export function sourcePolicy(rules: SourceRules): Policy {
  const { deniedHosts, trustedRegistries, registryName, ownImages, privateNetworks } = rules;
  const denied = [
    ...(privateNetworks ? [] : PRIVATE_HOSTS.map((host) => remote(`${host}${HOST_END}`))),
    ...deniedHosts.map((host) => remote(`${spelled(host)}(?:[/?#].*)?$`)),
  ];
  const trusted = trustedRegistries.map((name) => ({
    selector: images(`${spelled(hostOf(name))}${pathOf(name)}/`),
    whole: !name.includes("/"),
  }));
  const registry = registryName === undefined ? [] : [any(`${spelled(hostOf(registryName))}/`)];
  const own = ownImages === undefined ? [] : [any(`${spelled(hostOf(ownImages))}${pathOf(ownImages)}`)];
  return create(PolicySchema, {
    version: POLICY_VERSION,
    rules: [
      ...denied.map(deny),
      ...trusted.filter(({ whole }) => whole).map(({ selector }) => allow(selector)),
      ...registry.map(deny),
      ...trusted.filter(({ whole }) => !whole).map(({ selector }) => allow(selector)),
      ...own.map(allow),
    ],
  });
}

/**
 * Names and literals of this machine and of private networks (RFC 1918, 6598, 3927, 4193, 4291, and 192.0.0.0/24, 198.18.0.0/15
 * and the mapped and translated forms of IPv6), and host names without a dot, which a search domain completes. Numbers in other
 * notations than four decimals are denied whatever they stand for.
 */
const PRIVATE_HOSTS: readonly string[] = [
  "localhost",
  "[^/?#@:.]+",
  "[^/?#@:]*\\.(?:localhost|local|internal|intranet|lan|home|corp|svc|arpa)\\.?",
  "(?:0|10|127)\\.[0-9.]+",
  "100\\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\\.[0-9.]+",
  "169\\.254\\.[0-9.]+",
  "172\\.(?:1[6-9]|2[0-9]|3[01])\\.[0-9.]+",
  "192\\.(?:168|0\\.0)\\.[0-9.]+",
  "198\\.1[89]\\.[0-9.]+",
  "(?:22[4-9]|2[345][0-9])\\.[0-9.]+",
  "(?:0x[0-9a-f]+|[0-9]+)(?:\\.(?:0x[0-9a-f]*|[0-9]+)){0,2}\\.?",
  "(?:[0-9a-fx]+\\.){3}0[0-9a-fx]+\\.?",
  "(?:[0-9a-fx]+\\.){0,3}0[0-9x][0-9a-fx]*(?:\\.[0-9a-fx]+){0,3}\\.?",
  "\\[[^\\]]*\\]",
];

interface Selector {
  readonly identifier: string;
  readonly matchType: MatchType;
}

/** Sources of all kinds that open a connection, with or without user information before the host. */
function remote(host: string): Selector {
  return regex(`${REMOTE}://(?:[^/?#]*@)?${host}`);
}

function images(name: string): Selector {
  return regex(`(?:docker-image|oci-layout|frontend-image)://${name}`);
}

function any(name: string): Selector {
  return regex(`[a-z+-]+://${name}`);
}

function regex(source: string): Selector {
  return { identifier: `^(?i:${source})`, matchType: MatchType.REGEX };
}

function deny(selector: Selector) {
  return { action: PolicyAction.DENY, selector };
}

function allow(selector: Selector) {
  return { action: PolicyAction.ALLOW, selector };
}

/** A host is the same in any case, and with the port that it has anyway. */
function spelled(host: string): string {
  const plain = host.replace(/:(443|80)$/, "");
  return `${literal(plain)}${/:\d+$/.test(plain) ? "" : "(?::443|:80)?"}`;
}

function hostOf(name: string): string {
  const slash = name.indexOf("/");
  return slash < 0 ? name : name.slice(0, slash);
}

function pathOf(name: string): string {
  return literal(name.slice(hostOf(name).length));
}

function literal(text: string): string {
  return text.replaceAll(/[^a-zA-Z0-9/]/g, (char) => `\\${char}`);
}
