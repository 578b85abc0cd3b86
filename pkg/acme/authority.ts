import type { Client } from "acme-client";
import { createHash } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../clock/mod.ts";
import type { Secret } from "../secret/mod.ts";
import { loadLibrary } from "./library.ts";
import { CaProblem, failureOf, type Outcome } from "./outcome.ts";
import { readWindow, type RenewalInfo } from "./renewal.ts";
import type { RequestPace } from "./pace.ts";
import { Traffic } from "./traffic.ts";
import { readProblem, type Scope, scopes, send } from "./transport.ts";

/** The key of an account at an authority, and its URL once it is registered. */
export interface Account {
  readonly key: Secret;
  readonly url?: string | undefined;
}

/** Credentials of an account that was made outside of ACME. */
export interface ExternalAccount {
  readonly keyId: string;
  /** Base64url. */
  readonly hmacKey: Secret;
}

export interface AuthorityOptions {
  readonly directoryUrl: string;
  readonly clock: Clock;
  /** Certificates in PEM that the connection trusts beside the system's. */
  readonly trusted?: readonly string[];
  readonly externalAccount?: ExternalAccount | undefined;
  /** The profile of new orders, if the authority has it; e.g. "shortlived". */
  readonly profile?: string | undefined;
  /** `undefined`: the authority does not say. */
  readonly pace?: RequestPace | undefined;
}

export interface OrderRequest {
  /** One name; `*.name` for a wildcard. */
  readonly hostname: string;
  /** `renewalId` of the certificate that this one replaces. */
  readonly replaces?: string | undefined;
}

export type OrderStatus = "pending" | "ready" | "processing" | "valid" | "invalid";

export interface OrderState {
  readonly url: string;
  readonly status: OrderStatus;
  readonly hostname: string;
  /** When to look again, if the authority says so. */
  readonly lookAtMs: number | undefined;
  /** Why it is invalid. */
  readonly problem: string | undefined;
}

export type ChallengeType = "http-01" | "dns-01";

/** The proof that an authority asks for. */
export interface Challenge {
  readonly status: "pending" | "valid" | "invalid";
  /** The authority was asked to look. It may refuse to be asked again. */
  readonly isAnswered: boolean;
  readonly url: string;
  readonly authorizationUrl: string;
  readonly token: string;
  /** The answer for HTTP-01. */
  readonly keyAuthorization: string;
  /** The text of the TXT record for DNS-01. */
  readonly dnsValue: string;
  readonly lookAtMs: number | undefined;
  /** Why it is invalid. */
  readonly problem: string | undefined;
}

/** One authority. Safe to use concurrently. */
export interface Authority {
  readonly directoryUrl: string;
  /** Registers the account's key, or finds the account that has it; answers with its URL. */
  register(
    account: Account,
    contact: { readonly email?: string | undefined },
    signal: AbortSignal,
  ): Promise<Outcome<string>>;
  placeOrder(account: Account, request: OrderRequest, signal: AbortSignal): Promise<Outcome<OrderState>>;
  /** An order of this name that was placed before and is open; authorities that list no orders give the same one again. */
  findOrder(
    account: Account,
    hostname: string,
    signal: AbortSignal,
  ): Promise<Outcome<OrderState | undefined>>;
  readOrder(account: Account, orderUrl: string, signal: AbortSignal): Promise<Outcome<OrderState>>;
  readChallenge(
    account: Account,
    orderUrl: string,
    type: ChallengeType,
    signal: AbortSignal,
  ): Promise<Outcome<Challenge>>;
  /** Tells the authority to look; it may look already. */
  answerChallenge(
    account: Account,
    challenge: { readonly url: string },
    signal: AbortSignal,
  ): Promise<Outcome<void>>;
  finalize(
    account: Account,
    orderUrl: string,
    key: Secret,
    signal: AbortSignal,
  ): Promise<Outcome<OrderState>>;
  /** The chain of a valid order, in PEM, the leaf first. */
  download(account: Account, orderUrl: string, signal: AbortSignal): Promise<Outcome<string>>;
  /** Gives up the authorizations of an order, so that it does not stay open. */
  abandon(account: Account, orderUrl: string, signal: AbortSignal): Promise<Outcome<void>>;
  /** `undefined`: the authority gives no such advice. */
  renewalInfo(renewalId: string, signal: AbortSignal): Promise<Outcome<RenewalInfo | undefined>>;
}

const DIRECTORY = z.object({
  renewalInfo: z.url().optional(),
  meta: z.object({ profiles: z.record(z.string(), z.string()).optional() }).optional(),
});
type Directory = z.infer<typeof DIRECTORY>;

const ANSWERED = z.object({ status: z.enum(["processing", "valid"]) });
const ORDER_LIST = z.object({ orders: z.array(z.url()).max(1_000) });
const ASK_AGAIN_MS = 6 * 60 * 60_000;
const ASK_AGAIN_MS_MIN = 60_000;

type LibraryOrder = Awaited<ReturnType<Client["getOrder"]>>;

/** Opens an authority. Does no I/O, and loads nothing. */
export function openAuthority(options: AuthorityOptions): Authority {
  const { directoryUrl, clock, trusted = [], externalAccount, profile } = options;
  const http = trusted.length === 0 ? undefined : Deno.createHttpClient({ caCerts: [...trusted] });
  const traffic = new Traffic(directoryUrl, options);

  const within = async <T>(signal: AbortSignal, work: (scope: Scope) => Promise<T>): Promise<Outcome<T>> => {
    const scope: Scope = { clock, signal, http, traffic };
    try {
      return { kind: "ok", value: await scopes.run(scope, () => work(scope)) };
    } catch (error) {
      signal.throwIfAborted();
      const problem = error instanceof CaProblem ? error : scope.nonceProblem;
      if (problem === undefined) throw error;
      return failureOf(problem, clock.now());
    }
  };

  const clientOf = async ({ key, url }: Account): Promise<Client> => {
    const { Client } = await loadLibrary();
    return new Client({
      directoryUrl,
      accountKey: key.reveal(),
      ...(url === undefined ? {} : { accountUrl: url }),
      ...(externalAccount === undefined ? {} : {
        externalAccountBinding: { kid: externalAccount.keyId, hmacKey: externalAccount.hmacKey.reveal() },
      }),
    });
  };

  const readDirectory = async (scope: Scope): Promise<Directory> => {
    const { text } = await send(scope, { url: directoryUrl, method: "GET" });
    const parsed = DIRECTORY.safeParse(jsonOf(text));
    if (!parsed.success) {
      throw new CaProblem("the directory is not one", { status: 0, type: "malformedDirectory" });
    }
    return parsed.data;
  };

  /** Runs with a client of the account. */
  const asAccount = <T>(
    account: Account,
    signal: AbortSignal,
    work: (client: Client, scope: Scope) => Promise<T>,
  ): Promise<Outcome<T>> => within(signal, async (scope) => await work(await clientOf(account), scope));

  return {
    directoryUrl,
    register: (account, { email }, signal) =>
      asAccount({ key: account.key }, signal, async (client) => {
        const contact = email === undefined ? {} : { contact: [`mailto:${email}`] };
        await client.createAccount({ termsOfServiceAgreed: true, ...contact });
        return client.getAccountUrl();
      }),

    placeOrder: (account, { hostname, replaces }, signal) =>
      asAccount(account, signal, async (client, scope) => {
        const { renewalInfo, meta } = await readDirectory(scope);
        const hasProfile = profile !== undefined && Object.hasOwn(meta?.profiles ?? {}, profile);
        const request = {
          identifiers: [{ type: "dns", value: hostname }],
          ...(hasProfile ? { profile } : {}),
        };
        const place = (more: { readonly replaces?: string }) => client.createOrder({ ...request, ...more });
        if (replaces === undefined || renewalInfo === undefined) return stateOf(await place({}), scope);
        const order = await place({ replaces }).catch((error: unknown) => {
          // The former one was replaced before, or is not known any more: this order stands on its own.
          if (error instanceof CaProblem && error.status !== 0 && error.status !== 429) return place({});
          throw error;
        });
        return stateOf(order, scope);
      }),

    findOrder: (account, hostname, signal) =>
      asAccount(account, signal, async (client, scope) => {
        const { orders: url } = await client.updateAccount({});
        if (url === undefined) return undefined;
        for (
          let [page, pages]: [string | undefined, number] = [url, 0];
          page !== undefined && pages < PAGES_MAX;
          pages++
        ) {
          const list = ORDER_LIST.safeParse(await client.getOrder(orderAt(page)));
          page = scope.nextUrl;
          for (const orderUrl of list.data?.orders ?? []) {
            const state = stateOf(await client.getOrder(orderAt(orderUrl)), scope);
            if (state.hostname === hostname && OPEN.includes(state.status)) return state;
          }
        }
        return undefined;
      }),

    readOrder: (account, orderUrl, signal) =>
      asAccount(
        account,
        signal,
        async (client, scope) => stateOf(await client.getOrder(orderAt(orderUrl)), scope),
      ),

    readChallenge: (account, orderUrl, type, signal) =>
      asAccount(account, signal, async (client, scope) => {
        const [authorization] = await client.getAuthorizations(await client.getOrder(orderAt(orderUrl)));
        const challenge = authorization?.challenges.find((each) => each.type === type);
        if (authorization === undefined || challenge === undefined) {
          throw new CaProblem(`the authority offers no ${type}`, { status: 400, type: "noChallenge" });
        }
        const isWaiting = authorization.status === "pending";
        const isValid = authorization.status === "valid";
        const answer = await client.getChallengeKeyAuthorization({ ...challenge, type: "http-01" });
        return {
          status: isValid ? "valid" : isWaiting && challenge.status !== "invalid" ? "pending" : "invalid",
          isAnswered: challenge.status !== "pending",
          url: challenge.url,
          authorizationUrl: authorization.url,
          token: challenge.token,
          keyAuthorization: answer,
          dnsValue: createHash("sha256").update(answer).digest("base64url"),
          lookAtMs: scope.retryAtMs,
          problem: readProblem(challenge.error).detail,
        };
      }),

    answerChallenge: (account, { url }, signal) =>
      asAccount(account, signal, async (client) => {
        try {
          await client.completeChallenge({ type: "http-01", url, status: "pending", token: "" });
        } catch (error) {
          // The request may arrive twice: by a step that ran before, or by a transport that repeats it.
          if (
            !(error instanceof CaProblem) || error.status !== 400 || !await isAnswered(client, url)
          ) throw error;
        }
      }),

    finalize: (account, orderUrl, key, signal) =>
      asAccount(account, signal, async (client, scope) => {
        const { crypto } = await loadLibrary();
        const order = await client.getOrder(orderAt(orderUrl));
        if (order.status !== "ready") return stateOf(order, scope);
        const altNames = order.identifiers.map((each) => each.value);
        const [, csr] = await crypto.createCsr({ altNames }, key.reveal());
        return stateOf(await client.finalizeOrder(order, csr), scope);
      }),

    download: (account, orderUrl, signal) =>
      asAccount(account, signal, async (client) => {
        const order = await client.getOrder(orderAt(orderUrl));
        if (order.certificate === undefined) {
          throw new CaProblem("the order has no certificate yet", { status: 403, type: "orderNotReady" });
        }
        return await client.getCertificate(order);
      }),

    abandon: (account, orderUrl, signal) =>
      asAccount(account, signal, async (client) => {
        for (
          const authorization of await client.getAuthorizations(await client.getOrder(orderAt(orderUrl)))
        ) {
          if (authorization.status === "pending") await client.deactivateAuthorization(authorization);
        }
      }),

    renewalInfo: (id, signal) =>
      within(signal, async (scope) => {
        const { renewalInfo: base } = await readDirectory(scope);
        if (base === undefined) return undefined;
        const { text } = await send(scope, { url: `${base.replace(/\/$/, "")}/${id}`, method: "GET" });
        const window = readWindow(text);
        const nowMs = clock.now();
        const askAgainMs = Math.max(scope.retryAtMs ?? nowMs + ASK_AGAIN_MS, nowMs + ASK_AGAIN_MS_MIN);
        return window && { window, askAgainMs };
      }),
  };
}

/** Pages of an account's orders that are looked through for an order that a crash left open. */
const PAGES_MAX = 10;
const OPEN: readonly OrderStatus[] = ["pending", "ready", "processing"];

/** The library wants an order to read an order; it uses the URL only. */
/** A challenge is read as an order is: by a signed request without a body. */
async function isAnswered(client: Client, url: string): Promise<boolean> {
  return ANSWERED.safeParse(await client.getOrder(orderAt(url))).success;
}

function orderAt(url: string): LibraryOrder {
  return { url, status: "pending", identifiers: [], authorizations: [], finalize: "" };
}

function stateOf(order: LibraryOrder, { retryAtMs }: Scope): OrderState {
  return {
    url: order.url,
    status: order.status,
    hostname: (order.identifiers[0]?.value ?? "").toLowerCase(),
    lookAtMs: retryAtMs,
    problem: readProblem(order.error).detail,
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
