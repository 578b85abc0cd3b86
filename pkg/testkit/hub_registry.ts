/**
 * A registry that answers as Docker Hub does, in front of a real registry: every request needs a token. The token endpoint
 * gives tokens for public repositories without credentials, and for private repositories only with them.
 *
 * ```ts
 * await using hub = await HubRegistry.start();
 * await pushBaseImage(hub.upstream, "library/busybox:stable");
 * await build(`FROM ${hub.name}/library/busybox:stable`);
 * ```
 *
 * @module
 */
import {
  createServer,
  type IncomingMessage,
  request as forward,
  type Server,
  type ServerResponse,
} from "node:http";
import { pipeline } from "node:stream/promises";
import { Secret } from "../config/mod.ts";
import { HubTokens, type Refusal } from "./hub_tokens.ts";
import { freePort } from "./ports.ts";
import { TestRegistry } from "./registry.ts";

/** The only account; it may pull and push everywhere. */
export const HUB_USER = { username: "hub-user", password: new Secret("hub-password") };

/** A request that came, in the order of arrival. */
export interface HubRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** It carried a token that this registry has given out. */
  readonly token: boolean;
  /** Of the answer, once it has begun. */
  readonly status: number;
}

/** A running registry on 127.0.0.1. Dispose of it, or it stays. */
export class HubRegistry implements AsyncDisposable {
  /** Host and port, as images are named. */
  readonly name: string;
  /** The real registry behind it, which asks for nothing. */
  readonly upstream: TestRegistry;
  /** Manifests are refused with 429 while it is true, as after too many pulls. */
  limited = false;
  readonly #server: Server;
  readonly #tokens: HubTokens;
  readonly #requests: (Omit<HubRequest, "status"> & { readonly response: ServerResponse })[] = [];

  private constructor(upstream: TestRegistry, port: number) {
    this.upstream = upstream;
    this.name = `127.0.0.1:${port}`;
    this.#tokens = new HubTokens({
      name: this.name,
      user: HUB_USER,
      isPublic: (each) => this.#isPublic(each),
    });
    this.#server = createServer((request, response) => {
      // A client that hangs up is no failure of the registry's.
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** Starts one in front of a new registry. */
  static async start(): Promise<HubRegistry> {
    const upstream = await TestRegistry.start();
    try {
      const port = freePort();
      const hub = new HubRegistry(upstream, port);
      await new Promise<void>((resolve, reject) => {
        hub.#server.once("error", reject);
        hub.#server.listen(port, "127.0.0.1", resolve);
      });
      return hub;
    } catch (error) {
      await upstream[Symbol.asyncDispose]();
      throw error;
    }
  }

  get requests(): readonly HubRequest[] {
    return this.#requests.map(({ response, ...request }) => ({ ...request, status: response.statusCode }));
  }

  forgetRequests(): void {
    this.#requests.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.upstream[Symbol.asyncDispose]();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url: path = "/", headers } = request;
    const grant = this.#tokens.find(headers.authorization);
    this.#requests.push({ method, path, token: grant !== undefined, response });
    const { pathname } = new URL(path, "http://hub");
    if (pathname === "/token") return await this.#tokens.answer(request, response);
    const repository = /^\/v2\/(.+)\/(?:manifests|blobs|tags)\//.exec(pathname)?.[1];
    const action = method === "GET" || method === "HEAD" ? "pull" : "push";
    const allowed = grant !== undefined && (repository === undefined || grant.allows(repository, action));
    if (!allowed) return refuse(response, this.#tokens.challenge(repository, action, grant));
    if (this.limited && pathname.includes("/manifests/")) return refuse(response, TOO_MANY);
    await this.#forward(request, response);
  }

  /** Passes a request on as it is; the real registry builds its addresses from the same `Host`. */
  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { authorization: _, ...headers } = request.headers;
    const { hostname, port } = new URL(`http://${this.upstream.name}`);
    const outgoing = forward({ host: hostname, port, method: request.method, path: request.url, headers });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once("response", resolve).once("error", reject);
    });
    await pipeline(request, outgoing);
    const answer = await answered;
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    await pipeline(answer, response);
  }

  /** Private and missing repositories look the same. */
  async #isPublic(repository: string): Promise<boolean> {
    if (!repository.startsWith("library/")) return false;
    const response = await this.upstream.fetch(`/v2/${repository}/tags/list`);
    await response.body?.cancel();
    return response.ok;
  }
}

const TOO_MANY: Refusal = {
  status: 429,
  headers: { "retry-after": "60", "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "0;w=21600" },
  code: "TOOMANYREQUESTS",
  message: "The limit of pulls without an account is reached.",
};

function refuse(response: ServerResponse, { status, headers, code, message }: Refusal): void {
  response.writeHead(status, { ...headers, "content-type": "application/json" });
  response.end(JSON.stringify({ errors: [{ code, message, detail: null }] }));
}
