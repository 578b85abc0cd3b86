/** A server in front of the test authority that counts requests as Let's Encrypt does, and refuses those over a limit. */
import type { IncomingMessage } from "node:http";
import { Agent, createServer, request, type Server } from "node:https";
import { text } from "node:stream/consumers";
import { makeCertificate } from "../../pkg/testkit/certificate.ts";
import type { TestPebble } from "../../pkg/testkit/pebble.ts";
import type { AcmeLimits } from "../../svc/ctrl/internal/store/mod.ts";
import { listOf, parsed, type Signed, signedOf, textOf } from "./acme_requests.ts";
import { Window } from "./limit_window.ts";

export interface LimitingOptions {
  readonly pebble: TestPebble;
  readonly limits: Required<AcmeLimits>;
  /** Requests of one address in a second of the machine, and at once. */
  readonly perSecond: number;
  readonly burst: number;
  /** The time that the limits are counted by. */
  readonly now: () => number;
}

/** A request as it came. */
interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Dispose of it to stop it. */
export class LimitingProxy implements AsyncDisposable {
  /** Requests over a limit, by the limit's name. */
  readonly over = new Map<string, number>();
  orders = 0;
  requests = 0;
  readonly #options: LimitingOptions;
  readonly #folder: string;
  readonly #server: Server;
  /** A connection for each request would cost more than the request. */
  readonly #agent: Agent;
  readonly #windows: Record<keyof AcmeLimits, Window>;
  /** Names by the URLs of their authorizations and orders, with the account. */
  readonly #authorizations = new Map<string, string>();
  readonly #finalized = new Map<string, string>();
  readonly #judged = new Set<string>();
  readonly #accounts = new Set<string>();
  /** The authority of its own certificate, in PEM. */
  readonly trusted: string;
  #tokens: number;
  #atMs = performance.now();

  private constructor(
    options: LimitingOptions,
    folder: string,
    files: { cert: string; key: string; authority: string },
  ) {
    this.#options = options;
    this.#folder = folder;
    this.trusted = files.authority;
    this.#tokens = options.burst;
    this.#agent = new Agent({ keepAlive: true, ca: options.pebble.trusted });
    const { limits, now } = options;
    const of = (name: keyof AcmeLimits): Window => new Window(limits[name], now);
    this.#windows = {
      orders: of("orders"),
      domain: of("domain"),
      duplicate: of("duplicate"),
      failures: of("failures"),
      accounts: of("accounts"),
    };
    // HTTP/1.1 only: the runtime's own server also offers HTTP/2, on which some responses never ended.
    this.#server = createServer({ cert: files.cert, key: files.key }, async (request, response) => {
      const chunks: Uint8Array<ArrayBuffer>[] = [];
      for await (const chunk of request) chunks.push(new Uint8Array(chunk));
      const url = new URL(request.url ?? "/", `https://${request.headers.host}`);
      const method = request.method ?? "GET";
      const { status, headers, body } = await this.#serve({
        method,
        url,
        body: await new Blob(chunks).text(),
      });
      response.writeHead(status, Object.fromEntries(headers)).end(method === "HEAD" ? "" : body);
    });
  }

  static async start(options: LimitingOptions): Promise<LimitingProxy> {
    const folder = await Deno.makeTempDir({ prefix: "unkey-limiting-" });
    const files = await makeCertificate(folder, ["DNS:localhost"]);
    const [cert, key, authority] = await Promise.all(
      [files.certificate, files.privateKey, files.authority].map((file) => Deno.readTextFile(file)),
    );
    const proxy = new LimitingProxy(options, folder, {
      cert: cert ?? "",
      key: key ?? "",
      authority: authority ?? "",
    });
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get directoryUrl(): string {
    const address = this.#server.address();
    return `https://localhost:${typeof address === "object" ? address?.port : undefined}/dir`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #serve(asked: Asked): Promise<Answer> {
    this.requests++;
    const signed = signedOf(asked.body);
    const over = this.#overPace() ?? this.#overLimit(asked.url.pathname, signed);
    if (over !== undefined) {
      this.over.set(over, (this.over.get(over) ?? 0) + 1);
      const problem = { type: "urn:ietf:params:acme:error:rateLimited", detail: `too many: ${over}` };
      return { status: 429, headers: new Headers({ "retry-after": "60" }), body: JSON.stringify(problem) };
    }
    const answer = withoutOrders(asked.url.pathname, await this.#pass(asked));
    this.#learn(asked.url.pathname, signed, answer);
    return answer;
  }

  #overPace(): string | undefined {
    const { burst, perSecond } = this.#options;
    const nowMs = performance.now();
    this.#tokens = Math.min(burst, this.#tokens + (nowMs - this.#atMs) * perSecond / 1_000);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return "requests";
    this.#tokens--;
    return undefined;
  }

  #overLimit(pathname: string, { account, hostname, replaces }: Signed): string | undefined {
    const { orders, domain, duplicate, failures, accounts } = this.#windows;
    if (pathname.endsWith("/sign-me-up")) {
      // A key that is known already gets its account, and counts no more.
      if (this.#accounts.has(account)) return undefined;
      if (accounts.isFull("")) return "accounts";
      this.#accounts.add(account);
      return accounts.add("");
    }
    if (!pathname.endsWith("/order-plz") || hostname === undefined) return undefined;
    if (failures.isFull(`${account} ${hostname}`)) return "failures";
    if (replaces) return undefined;
    if (domain.isFull(domainOf(hostname))) return "domain";
    if (duplicate.isFull(hostname)) return "duplicate";
    if (orders.isFull(account)) return "orders";
    return orders.add(account);
  }

  /** Counts what has come of a request. */
  #learn(pathname: string, { account, hostname }: Signed, { status, headers, body }: Answer): void {
    const { domain, duplicate, failures } = this.#windows;
    if (status >= 400) return;
    const document = parsed(body);
    if (pathname.endsWith("/order-plz") && hostname !== undefined) {
      this.orders++;
      for (const each of listOf(document, "authorizations")) {
        this.#authorizations.set(new URL(each).pathname, `${account} ${hostname}`);
      }
      this.#finalized.set(new URL(textOf(document, "finalize")).pathname, hostname);
    }
    const failed = this.#authorizations.get(pathname);
    if (failed !== undefined && textOf(document, "status") === "invalid" && !this.#judged.has(pathname)) {
      this.#judged.add(pathname);
      failures.add(failed);
    }
    const issued = this.#finalized.get(pathname);
    if (issued === undefined || headers.get("location") === null) return;
    if (domain.isFull(domainOf(issued))) this.over.set("domain", (this.over.get("domain") ?? 0) + 1);
    domain.add(domainOf(issued));
    duplicate.add(issued);
    this.#finalized.delete(pathname);
  }

  /** With the host that was asked for, which `fetch` would not send: the authority makes its URLs of it. */
  async #pass({ method, url: { pathname, search, host }, body }: Asked): Promise<Answer> {
    const { hostname, port } = new URL(this.#options.pebble.directoryUrl);
    const content = new TextEncoder().encode(body);
    const headers = {
      host,
      "user-agent": "test",
      "content-type": "application/jose+json",
      "content-length": content.length,
    };
    const options = { agent: this.#agent, hostname, port, method, path: pathname + search, headers };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(options, resolve).on("error", reject).end(content);
    });
    const passed = new Headers();
    for (const [name, values = []] of Object.entries(response.headersDistinct)) {
      if (PASSED.has(name)) { for (const value of values) passed.append(name, value); }
    }
    return { status: response.statusCode ?? 0, headers: passed, body: await text(response) };
  }
}

const PASSED: ReadonlySet<string> = new Set([
  "content-type",
  "replay-nonce",
  "location",
  "link",
  "retry-after",
]);

/**
 * Takes the list of an account's orders away, which Let's Encrypt does not have either: the test authority locks itself up for
 * ever when it is asked for one while orders come to their end.
 */
function withoutOrders(pathname: string, answer: Answer): Answer {
  if (!pathname.startsWith("/my-account/") && pathname !== "/sign-me-up") return answer;
  const document = parsed(answer.body);
  if (typeof document !== "object" || document === null) return answer;
  const fields = Object.entries(document).filter(([name]) => name !== "orders");
  return { ...answer, body: JSON.stringify(Object.fromEntries(fields)) };
}

/** The registered domain of a name of the tests. */
function domainOf(hostname: string): string {
  return hostname.split(".").slice(-2).join(".");
}
