import { z } from "zod";
import { Buffer } from "node:buffer";
import { describeError, isFault } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { type GuardedAnswer, guardedRequest } from "./guarded_request.ts";
import { HUB, parseReference, type Reference } from "./reference.ts";
import { credentialsFor, type Registry, type RegistryCredentials } from "./registry.ts";

export interface DigestResolverOptions {
  /** Asked with its credentials, and trusted. */
  readonly registry: Registry | undefined;
  /** Hosts with port that may be private and may speak plain HTTP. */
  readonly trustedHosts: readonly string[];
  readonly log: Logger;
}

/**
 * Finds out which bytes a tag means now; `undefined` where the registry does not tell.
 *
 * @throws `permission_denied` for a registry that is at a private address, or leads to one
 */
export type DigestResolver = (image: string, signal: AbortSignal) => Promise<string | undefined>;

const RESOLVE_MS_MAX = 5_000;
const REDIRECTS_MAX = 3;
const ACCEPT = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");
const DIGEST = /^sha256:[a-f0-9]{64}$/;
const Token = z.object({ token: z.string().optional(), access_token: z.string().optional() });

/** A resolver over the OCI distribution API. */
export function createDigestResolver({ registry, trustedHosts, log }: DigestResolverOptions): DigestResolver {
  const own = registry?.name.split("/")[0];
  const trusted = new Set([...trustedHosts, ...(own === undefined ? [] : [own])]);
  return async (image, signal) => {
    const reference = parseReference(image);
    if (reference.digest !== undefined) return reference.digest;
    const inquiry: Inquiry = {
      trusted: trustedFrom(reference.host, trusted),
      credentials: credentialsFor(registry, image),
      signal: AbortSignal.any([signal, AbortSignal.timeout(RESOLVE_MS_MAX)]),
    };
    try {
      return await digestOf(reference, inquiry);
    } catch (error) {
      signal.throwIfAborted();
      // Docker Hub is the default, and may be a mirror in the own network.
      if (isFault(error, "permission_denied") && reference.host !== HUB) throw error;
      log.info("image not resolved", { image, error: describeError(error) });
      return undefined;
    }
  };
}

/** Trust begins with the name that a user gives: a registry that is not trusted must not lead to one that is trusted. */
export function trustedFrom(host: string, trusted: ReadonlySet<string>): ReadonlySet<string> {
  return trusted.has(host) ? trusted : new Set();
}

interface Inquiry {
  readonly trusted: ReadonlySet<string>;
  readonly credentials: RegistryCredentials | undefined;
  readonly signal: AbortSignal;
}

async function digestOf(reference: Reference, inquiry: Inquiry): Promise<string | undefined> {
  const { host, path, tag } = reference;
  const first = new URL(`https://${host}/v2/${path}/manifests/${tag}`);
  const url = inquiry.trusted.has(host) && !await speaksTls(host, inquiry)
    ? new URL(first.href.replace(/^https/, "http"))
    : first;
  let answer = await head(url, undefined, inquiry);
  if (answer.status === 401) {
    const authorization = await authorize(url, answer, inquiry);
    if (authorization === undefined) return undefined;
    answer = await head(url, authorization, inquiry);
  }
  const digest = answer.headers["docker-content-digest"];
  return answer.status === 200 && typeof digest === "string" && DIGEST.test(digest) ? digest : undefined;
}

/** A host that may speak plain HTTP is asked for TLS first. */
async function speaksTls(host: string, { trusted, signal }: Inquiry): Promise<boolean> {
  try {
    await guardedRequest({
      method: "GET",
      url: new URL(`https://${host}/v2/`),
      trustedHosts: trusted,
      signal,
    });
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** Follows a few redirects; what authorizes goes to the first host only. */
async function head(url: URL, authorization: string | undefined, inquiry: Inquiry): Promise<GuardedAnswer> {
  const { trusted: trustedHosts, signal } = inquiry;
  let at = url;
  for (let redirects = 0;; redirects++) {
    const own = authorization !== undefined && at.origin === url.origin ? { authorization } : {};
    const headers = { accept: ACCEPT, ...own };
    const answer = await guardedRequest({ method: "HEAD", url: at, headers, trustedHosts, signal });
    const { location } = answer.headers;
    if (answer.status < 300 || answer.status > 399 || location === undefined) return answer;
    if (redirects >= REDIRECTS_MAX || !URL.canParse(location, at)) return answer;
    at = new URL(location, at);
  }
}

/** The answer to a registry's challenge: the credentials, or a token from the server that it names. */
async function authorize(
  url: URL,
  challenged: GuardedAnswer,
  { trusted: trustedHosts, credentials, signal }: Inquiry,
): Promise<string | undefined> {
  const challenge = challenged.headers["www-authenticate"] ?? "";
  const basic = credentials &&
    `Basic ${Buffer.from(`${credentials.username}:${credentials.password.reveal()}`).toString("base64")}`;
  if (/^basic\b/i.test(challenge)) return basic;
  const parameter = (name: string): string | undefined =>
    new RegExp(`[\\s,]${name}="([^"]*)"`, "i").exec(challenge)?.[1];
  const realm = parameter("realm") ?? "";
  if (!/^bearer\b/i.test(challenge) || !URL.canParse(realm, url)) return undefined;
  const from = new URL(realm, url);
  for (const name of ["service", "scope"]) {
    const value = parameter(name);
    if (value !== undefined) from.searchParams.set(name, value);
  }
  const headers = basic === undefined ? {} : { authorization: basic };
  const answer = await guardedRequest({ method: "GET", url: from, headers, trustedHosts, signal });
  if (answer.status !== 200) return undefined;
  const { token, access_token } = Token.parse(JSON.parse(answer.body));
  const given = token ?? access_token;
  // It becomes a header's value.
  return given === undefined || !/^[\x21-\x7e]+$/.test(given) ? undefined : `Bearer ${given}`;
}
