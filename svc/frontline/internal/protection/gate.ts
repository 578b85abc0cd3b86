import {
  checkCookie,
  checkLinkToken,
  makeCookie,
  type Proof,
  type Scope,
} from "../../../../pkg/access_proof/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { parseNetwork } from "../../../../pkg/networks/mod.ts";
import type { Answer, Decision, HeaderField, ProxyRequest } from "../../../../pkg/proxy/mod.ts";
import { networkOf } from "../../../../pkg/tcp/mod.ts";
import { clientScheme } from "../redirects.ts";
import {
  basicPassword,
  cookieName,
  cookieValues,
  headerToken,
  linkInTarget,
  ownPath,
  withoutProofs,
} from "./credentials.ts";
import { ACCESS_PATH, moveTo, PASSWORD_FIELD, type Refusal, refuse, TARGET_FIELD } from "./pages.ts";
import type { PasswordChecks, PasswordOutcome } from "./password_checks.ts";

/** A route whose visitors must prove something. */
export interface ProtectedRoute {
  readonly hostname: string;
  readonly environmentId: string;
  readonly deploymentId: string;
  readonly protection: { readonly key: Uint8Array };
}

export interface GateOptions {
  readonly clock: Clock;
  /** True for balancers whose forwarding fields are believed. */
  readonly trusts: (address: string) => boolean;
  readonly passwords: PasswordChecks;
}

/** A form has a password and a path. */
const FORM_BYTES_MAX = 8 * 1024;
const FORM_TYPE = "application/x-www-form-urlencoded";
/** A browser with the password has to give it again after a week; one with a link when the link ends, or before. */
const COOKIE_SECONDS = 7 * 86_400;
const HOPS_MAX = 10;

/** Lets requests to protected environments through that have a proof, and answers all others. */
export class Gate {
  readonly #options: GateOptions;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** True if the request has a proof that is known here; a password may have to be asked for first. */
  isProven(request: ProxyRequest, route: ProtectedRoute): boolean {
    return this.#proof(request, route) || this.#knownBasic(request, route) === true;
  }

  /** The decision: `pass` with the fields that the app gets, or an answer. */
  decide(
    request: ProxyRequest,
    route: ProtectedRoute,
    pass: (headers: readonly HeaderField[]) => Decision,
  ): Decision {
    const link = linkInTarget(request);
    if (link !== undefined) return this.#arrive(request, route, link);
    if (request.method === "POST" && request.target === ACCESS_PATH) return this.#takeForm(request, route);
    const known = this.#knownBasic(request, route);
    if (this.#proof(request, route) || known === true) {
      return pass(withoutProofs(request.headers, { basic: known === true }));
    }
    if (known === false) return this.#refuse(request, { kind: "wrong_password" });
    const password = basicPassword(request);
    if (password === undefined) return this.#refuse(request, this.#whyNot(request, route));
    const decision = this.#check(request, route, password).then((outcome) =>
      outcome.kind === "right"
        ? pass(withoutProofs(request.headers, { basic: true }))
        : this.#refuse(request, refusalOf(outcome))
    );
    return { kind: "wait", decision };
  }

  /** A visitor comes by a link: the cookie takes the place of the token, which the app never sees. */
  #arrive(
    request: ProxyRequest,
    route: ProtectedRoute,
    { token, rest }: { readonly token: string; readonly rest: string },
  ): Decision {
    const proof = this.#checkLink(route, token);
    if (proof.kind === "valid") {
      return answer(moveTo(307, ownPath(rest), this.#cookie(request, route, proof)));
    }
    if (this.isProven(request, route)) return answer(moveTo(307, ownPath(rest)));
    return this.#refuse(request, { kind: proof.kind === "ended" ? "link_ended" : "link_invalid" }, rest);
  }

  #takeForm(request: ProxyRequest, route: ProtectedRoute): Decision {
    const type = request.headers.find((each) => each.lower === "content-type")?.value ?? "";
    if (type.split(";")[0]?.trim().toLowerCase() !== FORM_TYPE) {
      return this.#refuse(request, { kind: "bad_form", status: 415 }, "/");
    }
    return {
      kind: "serve",
      bytesMax: FORM_BYTES_MAX,
      serve: async (body) => {
        if (body === undefined) return this.#page(request, { kind: "bad_form", status: 413 }, "/");
        const form = new URLSearchParams(new TextDecoder().decode(body));
        const to = ownPath(form.get(TARGET_FIELD) ?? "/");
        const outcome = await this.#check(request, route, form.get(PASSWORD_FIELD) ?? "");
        if (outcome.kind !== "right") return this.#page(request, refusalOf(outcome), to);
        const scope: Scope = { kind: "environment", id: route.environmentId };
        const endsAtSeconds = Math.floor(this.#options.clock.now() / 1_000) + COOKIE_SECONDS;
        return moveTo(303, to, this.#cookie(request, route, { scope, endsAtSeconds }));
      },
    };
  }

  /** True with a cookie, or a link's token in the header. */
  #proof(request: ProxyRequest, route: ProtectedRoute): boolean {
    const { hostname, protection: { key } } = route;
    const nowMs = this.#options.clock.now();
    const ownCookie = cookieValues(request, this.#scheme(request)).some((value) =>
      checkCookie(key, { hostname, place: route }, value, nowMs).kind === "valid"
    );
    if (ownCookie) return true;
    const token = headerToken(request);
    return token !== undefined && this.#checkLink(route, token).kind === "valid";
  }

  #whyNot(request: ProxyRequest, route: ProtectedRoute): Refusal {
    const token = headerToken(request);
    if (token === undefined) return { kind: "no_proof" };
    return { kind: this.#checkLink(route, token).kind === "ended" ? "link_ended" : "link_invalid" };
  }

  #checkLink(route: ProtectedRoute, token: string): Proof {
    return checkLinkToken(route.protection.key, route, token, this.#options.clock.now());
  }

  #knownBasic(
    request: ProxyRequest,
    { environmentId, protection: { key } }: ProtectedRoute,
  ): boolean | undefined {
    const password = basicPassword(request);
    return password === undefined
      ? undefined
      : this.#options.passwords.known({ environmentId, key, password });
  }

  #check(request: ProxyRequest, route: ProtectedRoute, password: string): Promise<PasswordOutcome> {
    const { environmentId, protection: { key } } = route;
    return this.#options.passwords.check({ environmentId, key, password, client: this.#client(request) });
  }

  #cookie(
    request: ProxyRequest,
    { hostname, protection: { key } }: ProtectedRoute,
    { scope, endsAtSeconds }: { readonly scope: Scope; readonly endsAtSeconds: number },
  ): string {
    const scheme = this.#scheme(request);
    const leftSeconds = endsAtSeconds - Math.floor(this.#options.clock.now() / 1_000);
    const seconds = Math.min(COOKIE_SECONDS, leftSeconds);
    const value = makeCookie(key, { hostname, scope }, endsAtSeconds - leftSeconds + seconds);
    const secure = scheme === "https" ? "; Secure" : "";
    return `${cookieName(scheme)}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
  }

  #scheme(request: ProxyRequest): "http" | "https" {
    return clientScheme(request, this.#options.trusts);
  }

  /** The network of the visitor: each trusted balancer adds the address of its own client to the end of the list. */
  #client(request: ProxyRequest): string {
    const { trusts } = this.#options;
    const said = request.headers.filter((each) => each.lower === "x-forwarded-for")
      .flatMap(({ value }) => value.split(",")).map((each) => each.trim());
    let client = request.clientAddress;
    for (let hops = 0; hops < HOPS_MAX && trusts(client); hops++) {
      const next = said.pop() ?? "";
      if (parseNetwork(next) === undefined || next.includes("/")) break;
      client = next;
    }
    return networkOf(client);
  }

  #refuse(request: ProxyRequest, refusal: Refusal, to = request.target): Decision {
    return answer(this.#page(request, refusal, to));
  }

  #page(request: ProxyRequest, refusal: Refusal, to: string): Answer {
    return refuse(request, refusal, { host: request.host, to: ownPath(to) });
  }
}

function refusalOf(outcome: PasswordOutcome): Refusal {
  if (outcome.kind === "too_many") return outcome;
  return { kind: outcome.kind === "unavailable" ? "unavailable" : "wrong_password" };
}

function answer(given: Answer): Decision {
  return { kind: "answer", answer: given };
}
