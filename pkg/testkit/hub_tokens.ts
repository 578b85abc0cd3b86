import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { Secret } from "../config/mod.ts";

/** An error answer in the form of the OCI distribution specification. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly code: string;
  readonly message: string;
}

/** The permissions that came with a token. */
export interface Grant {
  allows(repository: string, action: "pull" | "push"): boolean;
}

/** The registry of the tokens and its only account. */
export interface HubTokensOptions {
  /** `host:port` of the registry. */
  readonly name: string;
  readonly user: { readonly username: string; readonly password: Secret };
  isPublic(repository: string): Promise<boolean>;
}

const LIFETIME_SECONDS = 300;

/**
 * The token endpoint of a registry: `GET /token` with or without Basic credentials, and `POST /token` as in OAuth 2.
 * https://distribution.github.io/distribution/spec/auth/token/
 */
export class HubTokens {
  readonly #options: HubTokensOptions;
  readonly #grants = new Map<string, Grant>();

  constructor(options: HubTokensOptions) {
    this.#options = options;
  }

  /** The permissions of an `Authorization` header with a token of this registry. */
  find(authorization: string | undefined): Grant | undefined {
    const token = /^bearer (.+)$/i.exec(authorization ?? "")?.[1];
    return token === undefined ? undefined : this.#grants.get(token);
  }

  /** The refusal that says where to get a token, as a registry answers a request without one or with too weak a one. */
  challenge(repository: string | undefined, action: "pull" | "push", grant: Grant | undefined): Refusal {
    const actions = action === "push" ? "pull,push" : "pull";
    const challenge = [
      `realm="http://${this.#options.name}/token"`,
      'service="registry.test"',
      ...repository === undefined ? [] : [`scope="repository:${repository}:${actions}"`],
      ...grant === undefined ? [] : ['error="insufficient_scope"'],
    ];
    return {
      status: 401,
      headers: { "www-authenticate": `Bearer ${challenge.join(",")}` },
      code: "UNAUTHORIZED",
      message: "authentication required",
    };
  }

  /** Answers with a token for the requested scopes; without credentials it allows only pulls of public repositories. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = request.method === "POST"
      ? new URLSearchParams(await text(request))
      : new URL(request.url ?? "", "http://hub").searchParams;
    const credentials = request.method === "POST"
      ? { username: form.get("username"), password: form.get("password") }
      : basic(request.headers.authorization);
    if (credentials !== undefined && !this.#isUser(credentials)) {
      response.writeHead(401, { "content-type": "application/json" });
      response.end(JSON.stringify({ details: "incorrect username or password" }));
      return;
    }
    const grants = new Set<string>();
    for (const scope of form.getAll("scope").flatMap((each) => each.split(" "))) {
      for (const each of await this.#granted(scope, credentials !== undefined)) grants.add(each);
    }
    const token = crypto.randomUUID();
    this.#grants.set(token, { allows: (repository, action) => grants.has(`${repository}:${action}`) });
    response.writeHead(200, { "content-type": "application/json" });
    const issued = { issued_at: new Date().toISOString(), expires_in: LIFETIME_SECONDS };
    response.end(JSON.stringify({ token, access_token: token, ...issued }));
  }

  async #granted(scope: string, isUser: boolean): Promise<string[]> {
    const [, repository, actions = ""] = /^repository:(.+):([a-z,]+)$/.exec(scope) ?? [];
    if (repository === undefined) return [];
    const wanted = actions.split(",").map((action) => `${repository}:${action}`);
    if (isUser) return wanted;
    return wanted.includes(`${repository}:pull`) && await this.#options.isPublic(repository)
      ? [`${repository}:pull`]
      : [];
  }

  #isUser({ username, password }: { username: string | null; password: string | null }): boolean {
    const { user } = this.#options;
    return username === user.username && password === user.password.reveal();
  }
}

function basic(authorization: string | undefined): { username: string; password: string } | undefined {
  const encoded = /^basic (.+)$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const [username = "", ...password] = Buffer.from(encoded, "base64").toString().split(":");
  return { username, password: password.join(":") };
}
