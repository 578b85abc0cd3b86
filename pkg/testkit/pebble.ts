/**
 * An ACME authority of a test's own: Let's Encrypt's pebble, and the server that answers its questions in DNS and HTTP.
 *
 * ```ts
 * await using pebble = await TestPebble.start();
 * await pebble.answer("/add-http01", { token, content });
 * ```
 *
 * @module
 */
import { makeCertificate } from "./certificate.ts";
import { PARTS_CACHE } from "./commands.ts";
import { TestDaemon } from "./daemon.ts";
import { freePort } from "./ports.ts";

/** The output of `dev/parts/pebble.sh`. */
const PROGRAMS = `${PARTS_CACHE}/pebble-2.10.1-2`;
const DAY_SECONDS = 86_400;
const STOP_MS = 10_000;
/** An external account that it knows, for authorities that want one. */
export const EXTERNAL_ACCOUNT = {
  keyId: "kid-1",
  hmacKey: "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
};

export interface TestPebbleOptions {
  /** Asks 127.0.0.1 on this port for HTTP-01 answers, instead of its own server. */
  readonly httpPort?: number;
  /** Asks this server for names, `host:port`. */
  readonly dnsServer?: string;
  /** Part of valid nonces that are refused, in percent. */
  readonly badNoncePercent?: number;
  readonly requiresExternalAccount?: boolean;
  /** Lifetime in seconds of certificates of the profile "shortlived". */
  readonly shortSeconds?: number;
}

/** True when it has been built here. */
export function hasPebble(): boolean {
  try {
    return Deno.statSync(`${PROGRAMS}/pebble`).isFile;
  } catch {
    return false;
  }
}

/** A running authority. Dispose of it, or it stays. */
export class TestPebble implements AsyncDisposable {
  readonly #folder: string;
  readonly #daemons: TestDaemon[] = [];
  readonly #ports = {
    api: freePort(),
    management: freePort(),
    http: freePort(),
    tls: freePort(),
    dns: freePort(),
    answers: freePort(),
  };
  #authority = "";

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async start(options: TestPebbleOptions = {}): Promise<TestPebble> {
    const pebble = new TestPebble(await Deno.makeTempDir({ prefix: "unkey-pebble-" }));
    try {
      await pebble.#start(options);
      return pebble;
    } catch (error) {
      await pebble[Symbol.asyncDispose]();
      throw error;
    }
  }

  get directoryUrl(): string {
    return `https://localhost:${this.#ports.api}/dir`;
  }

  /** The authority of its own TLS certificate, in PEM. */
  get trusted(): string {
    return this.#authority;
  }

  get trustedFile(): string {
    return `${this.#folder}/tls/authority.pem`;
  }

  get dnsServer(): string {
    return `127.0.0.1:${this.#ports.dns}`;
  }

  /** Changes what it is answered: an endpoint of pebble-challtestsrv, such as `/set-txt`. */
  async answer(path: string, body: Readonly<Record<string, unknown>>): Promise<void> {
    const url = `http://127.0.0.1:${this.#ports.answers}${path}`;
    const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    await response.body?.cancel();
  }

  /** Sets what it says about the renewal of a certificate. */
  async setRenewalInfo(certificate: string, answer: unknown): Promise<void> {
    using client = Deno.createHttpClient({ caCerts: [this.#authority] });
    const response = await fetch(`https://localhost:${this.#ports.management}/set-renewal-info/`, {
      client,
      method: "POST",
      body: JSON.stringify({ certificate, ariResponse: JSON.stringify(answer) }),
    });
    if (!response.ok) throw new Error(await response.text());
    await response.body?.cancel();
  }

  /** The root of the certificates that it issues, in PEM; another one at each start. */
  async root(): Promise<string> {
    using client = Deno.createHttpClient({ caCerts: [this.#authority] });
    const response = await fetch(`https://localhost:${this.#ports.management}/roots/0`, { client });
    return await response.text();
  }

  async log(): Promise<string> {
    return await Deno.readTextFile(`${this.#folder}/pebble.log`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const daemon of this.#daemons.toReversed()) await daemon.end("SIGTERM", STOP_MS);
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #start(options: TestPebbleOptions): Promise<void> {
    const { httpPort = this.#ports.http, dnsServer = this.dnsServer, badNoncePercent = 0, shortSeconds } =
      options;
    const { api, management, http, tls, answers } = this.#ports;
    const local = (port: number): string => `127.0.0.1:${port}`;
    const { certificate, privateKey, authority } = await makeCertificate(`${this.#folder}/tls`, [
      "DNS:localhost",
      "IP:127.0.0.1",
    ]);
    this.#authority = await Deno.readTextFile(authority);
    await this.#launch("pebble-challtestsrv", answers, [
      ...["-dnsserver", this.dnsServer, "-http01", local(http), "-tlsalpn01", local(tls), "-https01", ""],
      ...["-doh", "", "-management", local(answers), "-defaultIPv6", ""],
    ]);
    const config = {
      listenAddress: local(api),
      managementListenAddress: local(management),
      certificate,
      privateKey,
      httpPort,
      tlsPort: tls,
      keyAlgorithm: "ecdsa",
      externalAccountBindingRequired: options.requiresExternalAccount ?? false,
      externalAccountMACKeys: { [EXTERNAL_ACCOUNT.keyId]: EXTERNAL_ACCOUNT.hmacKey },
      profiles: {
        default: { description: "90 days", validityPeriod: 90 * DAY_SECONDS },
        shortlived: { description: "6 days", validityPeriod: shortSeconds ?? 6 * DAY_SECONDS },
      },
    };
    await Deno.writeTextFile(`${this.#folder}/pebble.json`, JSON.stringify({ pebble: config }));
    await this.#launch("pebble", api, ["-config", `${this.#folder}/pebble.json`, "-dnsserver", dnsServer], {
      PEBBLE_VA_NOSLEEP: "1",
      PEBBLE_WFE_NONCEREJECT: String(badNoncePercent),
      // A valid authorization would spare the next order of the name its challenge.
      PEBBLE_AUTHZREUSE: "0",
    });
  }

  async #launch(
    name: string,
    port: number,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const daemon = await TestDaemon.start(
      { command: `${PROGRAMS}/${name}`, args, env, logFile: `${this.#folder}/${name}.log` },
      () => listens(port),
    );
    this.#daemons.push(daemon);
  }
}

async function listens(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
