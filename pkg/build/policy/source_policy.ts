import { create } from "@bufbuild/protobuf";
import { PRIVATE_SUFFIXES } from "../../registry/mod.ts";
import {
  MatchType,
  type Policy,
  PolicyAction,
  PolicySchema,
} from "../../../proto/gen/moby/buildkit/v1/sourcepolicy/policy_pb.ts";

/** The sources that a build may read. */
export interface SourceRules {
  /** Hosts of the platform, as `host` for all of its ports or as `host:port`: nothing may be read from them. */
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
  /** Sources of private networks may be read: for a builder that serves its owner only. */
  readonly privateNetworks: boolean;
}

/** Frontends whose cache mounts are kept apart by workspace; another one could name those of other workspaces. */
export const FRONTENDS_DEFAULT: readonly string[] = [
  "docker.io/docker/dockerfile",
  "docker.io/docker/dockerfile-upstream",
];

const POLICY_VERSION = 1n;
const IMAGE = "(?:docker-image|oci-layout)(?:\\+blob)?";
/** Schemes of sources that open a connection. */
const REMOTE = `(?:https?|git|ssh|${IMAGE})`;
const USER = "(?:[^/?#]*@)?";
const REST = "(?:[/?#].*)?$";
/** RE2 has no look-ahead, so that a host ends at one of these. A port may be empty, or have zeros before it. */
const HOST_END = `(?::[0-9]*)?${REST}`;
const PORT_DEFAULT = "(?::(?:0*(?:443|80))?)?";

/**
 * The rules as BuildKit takes them; the last one that matches decides. They work on names: a name that resolves to a private
 * address, and a redirect to one, need a network that does not reach it.
 */
export function sourcePolicy(rules: SourceRules): Policy {
  const { deniedHosts, trustedRegistries, registryName, ownImages, privateNetworks } = rules;
  const denied = [
    ...(privateNetworks ? [] : PRIVATE_HOSTS),
    ...(privateNetworks && deniedHosts.length === 0 ? [] : [TRANSLATED]),
    ...deniedHosts.map(ofHost),
  ];
  const trusted = trustedRegistries.map((name) => ({
    selector: images(`${name}/`),
    whole: !name.includes("/"),
  }));
  const registry = registryName === undefined ? [] : [below(hostOf(registryName))];
  const own = ownImages === undefined ? [] : [images(ownImages)];
  return create(PolicySchema, {
    version: POLICY_VERSION,
    rules: [
      ...denied.map((host) => deny(regex(`${REMOTE}://${USER}${host}`))),
      ...trusted.filter(({ whole }) => whole).map(({ selector }) => allow(selector)),
      ...registry.map(deny),
      ...trusted.filter(({ whole }) => !whole).map(({ selector }) => allow(selector)),
      ...own.map(allow),
    ],
  });
}

/** A number of an IPv4 address in any notation. */
const NUMBER = "(?:0x[0-9a-f]*|[0-9]+)";

/**
 * Names and literals of this machine and of private networks (RFC 1918, 6598, 3927, 4193, 4291, and 192.0.0.0/24, 198.18.0.0/15,
 * the mapped and translated forms of IPv6, and the address at which Azure serves metadata), and host names without a dot, which a
 * search domain completes; no host at all is this machine, too. Numbers in other notations than four decimals are denied whatever
 * they stand for.
 */
const PRIVATE_HOSTS: readonly string[] = [
  "[^/?#@:.]*\\.?",
  `[^/?#@:]*\\.(?:${PRIVATE_SUFFIXES.join("|")})\\.?`,
  "(?:0|10|127)\\.[0-9.]+",
  "100\\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\\.[0-9.]+",
  "168\\.63\\.129\\.16\\.?",
  "169\\.254\\.[0-9.]+",
  "172\\.(?:1[6-9]|2[0-9]|3[01])\\.[0-9.]+",
  "192\\.(?:168|0\\.0)\\.[0-9.]+",
  "198\\.1[89]\\.[0-9.]+",
  "(?:22[4-9]|2[345][0-9])\\.[0-9.]+",
  `${NUMBER}(?:\\.${NUMBER}){0,2}\\.?`,
  `(?:${NUMBER}\\.)*(?:0x[0-9a-f]*|0[0-9]+)(?:\\.${NUMBER})*\\.?`,
  "\\[[^\\]]*\\]",
].map((host) => `${host}${HOST_END}`);

/**
 * A host with escaped characters or such beyond ASCII. HTTP clients translate it before they look it up (UTS 46), so that other digits and dots make
 * an address of it; written in punycode it is allowed.
 */
const TRANSLATED = `[^/?#@:]*[^/?#@:!-$&-~][^/?#@:]*${HOST_END}`;

interface Selector {
  readonly identifier: string;
  readonly matchType: MatchType;
}

/** All sources of a host of the platform, with whichever port when `name` has none. */
function ofHost(name: string): string {
  return `${literal(name.replace(PORT, ""))}\\.?${portOf(name) ?? "(?::[0-9]*)?"}${REST}`;
}

/** All that a registry serves, however its port is written. */
function below(host: string): Selector {
  const port = isDefault(host) ? PORT_DEFAULT : portOf(host) ?? PORT_DEFAULT;
  return regex(`[a-z+-]+://${USER}${literal(host.replace(PORT, ""))}\\.?${port}/`);
}

/** Images whose names begin with `prefix`; the host's port may be left out when it is the one that it has anyway. */
function images(prefix: string): Selector {
  const host = hostOf(prefix);
  const port = portOf(host) === undefined || isDefault(host) ? "(?::443|:80)?" : portOf(host) ?? "";
  const path = literal(prefix.slice(host.length));
  return regex(`${IMAGE}://${literal(host.replace(PORT, ""))}${port}${path}`);
}

/** In any case of letters; a path may hold line ends. */
function regex(source: string): Selector {
  return { identifier: `^(?is:${source})`, matchType: MatchType.REGEX };
}

function deny(selector: Selector) {
  return { action: PolicyAction.DENY, selector };
}

function allow(selector: Selector) {
  return { action: PolicyAction.ALLOW, selector };
}

const PORT = /:[0-9]+$/;

function portOf(host: string): string | undefined {
  const port = PORT.exec(host)?.[0];
  return port === undefined ? undefined : `:0*${port.slice(1)}`;
}

function isDefault(host: string): boolean {
  return /:(?:443|80)$/.test(host);
}

function hostOf(name: string): string {
  const slash = name.indexOf("/");
  return slash < 0 ? name : name.slice(0, slash);
}

function literal(text: string): string {
  return text.replaceAll(/[^a-zA-Z0-9/]/g, (char) => `\\${char}`);
}
