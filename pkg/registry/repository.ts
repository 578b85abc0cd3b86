import { Buffer } from "node:buffer";
import { z } from "zod";
import { type GuardedAnswer, type GuardedRequest, guardedRequest } from "./guarded_request.ts";
import type { Reference } from "./reference.ts";
import type { RegistryCredentials } from "./registry.ts";

/** The rules for questions to one repository of a registry. */
export interface Inquiry {
  /** Hosts with port that may be private and may speak plain HTTP. */
  readonly trusted: ReadonlySet<string>;
  readonly credentials: RegistryCredentials | undefined;
  /** Host and port that are asked instead of the image's, and trusted. */
  readonly address?: string;
  readonly signal: AbortSignal;
}

/** One question, e.g. for `manifests/latest`. */
export interface Question {
  readonly method: GuardedRequest["method"];
  /** Below the repository. */
  readonly path: string;
  readonly accept?: string;
  /** The longest body that is read. */
  readonly bytesMax?: number;
}

/** A repository that answers questions. An authorization is had once and used again. */
export interface Repository {
  /**
   * `undefined`: the registry wants an authorization that cannot be had.
   *
   * @throws `permission_denied` for a registry that is at a private address, or leads to one; `unavailable` when it does not answer
   */
  ask(question: Question): Promise<GuardedAnswer | undefined>;
}

const REDIRECTS_MAX = 3;
const Token = z.object({ token: z.string().optional(), access_token: z.string().optional() });

/** The repository of an image. Nothing is sent before the first question. */
export function openRepository({ host: named, path }: Reference, given: Inquiry): Repository {
  const host = given.address ?? named;
  const inquiry = given.address === undefined
    ? given
    : { ...given, trusted: new Set([...given.trusted, given.address]) };
  let scheme: string | undefined;
  let authorization: string | undefined;
  return {
    async ask(question) {
      scheme ??= inquiry.trusted.has(host) && !await speaksTls(host, inquiry) ? "http" : "https";
      const url = new URL(`${scheme}://${host}/v2/${path}/${question.path}`);
      const answer = await send(url, question, authorization, inquiry);
      if (answer.status !== 401 || authorization !== undefined) return answer;
      authorization = await authorize(url, answer, inquiry);
      return authorization === undefined ? undefined : await send(url, question, authorization, inquiry);
    },
  };
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
async function send(
  url: URL,
  { method, accept, bytesMax }: Question,
  authorization: string | undefined,
  { trusted: trustedHosts, signal }: Inquiry,
): Promise<GuardedAnswer> {
  let at = url;
  for (let redirects = 0;; redirects++) {
    const own = authorization !== undefined && at.origin === url.origin ? { authorization } : {};
    const headers = { ...(accept === undefined ? {} : { accept }), ...own };
    const answer = await guardedRequest({
      method,
      url: at,
      headers,
      trustedHosts,
      signal,
      ...(bytesMax === undefined ? {} : { bytesMax }),
    });
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
