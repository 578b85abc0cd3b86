import type { KubeConfig } from "@kubernetes/client-node";
import type { Clock } from "../clock/mod.ts";
import { Fault, publicFault } from "../fault/mod.ts";
import type { Access, Credentials } from "./credentials.ts";
import { type KubeconfigContext, readKubeconfig, refuseKubeconfig } from "./kubeconfig_file.ts";
import { proxyOf, refuseUnsupported } from "./kubeconfig_limits.ts";
import { impersonation, libraryConfig } from "./kubeconfig_options.ts";

/** Commands that fetch credentials may ask a cloud over a slow network. */
const FETCH_MS_MAX = 60_000;
const COMMAND_TEXT_MAX = 500;

/** The options of a request that the library fills in. */
type HttpsOptions = Parameters<KubeConfig["applyToHTTPSOptions"]>[0];

/** A kubeconfig, the context to use (absent: its current one), and the clock of its tokens. */
export interface KubeconfigOptions {
  readonly paths: string;
  readonly context: string | undefined;
  readonly clock: Clock;
}

/**
 * The access of a kubeconfig. The files are read here; credentials of every kind (files, tokens, basic auth, commands,
 * OIDC) come from `KubeConfig` of `@kubernetes/client-node`.
 */
export class KubeconfigAccess implements Access {
  readonly server: string;
  readonly namespace: string;
  readonly proxy?: Deno.Proxy;
  readonly #options: KubeconfigOptions;
  #context: KubeconfigContext;
  #config: Promise<KubeConfig> | undefined;
  /** Calls at once share one run of a command. */
  #fetch: Promise<Credentials> | undefined;
  #kept: { readonly credentials: Credentials; readonly untilMs: number } | undefined;

  private constructor(options: KubeconfigOptions, context: KubeconfigContext) {
    this.#options = options;
    this.#context = context;
    this.server = context.cluster.server;
    this.namespace = context.namespace;
    const proxy = proxyOf(options.paths, context);
    if (proxy !== undefined) this.proxy = proxy;
  }

  /** @throws `failed_precondition` when a file cannot be used */
  static async load(options: KubeconfigOptions): Promise<KubeconfigAccess> {
    const context = await readKubeconfig(options.paths, options.context);
    refuseUnsupported(options.paths, context);
    return new KubeconfigAccess(options, context);
  }

  async credentials(): Promise<Credentials> {
    if (this.#kept !== undefined && this.#options.clock.now() < this.#kept.untilMs) {
      return this.#kept.credentials;
    }
    this.#fetch ??= this.#fetchInTime().finally(() => this.#fetch = undefined);
    return await this.#fetch;
  }

  /** A command's credentials without an end are kept until now. */
  refused(): void {
    if (this.#context.user.exec) this.#config = undefined;
  }

  async #fetchInTime(): Promise<Credentials> {
    const stop = new AbortController();
    const late = this.#options.clock.sleep(FETCH_MS_MAX, stop.signal).then(() => {
      throw this.#failed(`no answer within ${FETCH_MS_MAX / 1_000} s`);
    });
    try {
      return await Promise.race([this.#fetchOnce(), late]);
    } catch (error) {
      // The library keeps an answer that it could not use.
      this.#config = undefined;
      throw error;
    } finally {
      stop.abort();
      await late.catch(() => undefined);
    }
  }

  async #fetchOnce(): Promise<Credentials> {
    this.#config ??= this.#open();
    const config = await this.#config;
    const headers: Record<string, string> = {};
    const options: HttpsOptions = { headers };
    try {
      await config.applyToHTTPSOptions(options);
    } catch (error) {
      throw this.#faultOf(error);
    }
    const credentials = this.#credentialsOf(options, headers);
    this.#keep(config, credentials);
    return credentials;
  }

  /** Reads the files again each time: a login may have replaced them. */
  async #open(): Promise<KubeConfig> {
    const { KubeConfig } = await import("./kubeconfig_library.ts");
    const { context, paths } = this.#options;
    this.#context = await readKubeconfig(paths, context ?? this.#context.name);
    refuseUnsupported(paths, this.#context);
    const config = new KubeConfig();
    config.loadFromString(JSON.stringify(libraryConfig(this.#context)));
    mendIssuer(config);
    return config;
  }

  #credentialsOf(options: HttpsOptions, headers: Readonly<Record<string, string>>): Credentials {
    const { user } = this.#context;
    const [certificate, key] = [text(options.cert), text(options.key)];
    const authorization = options.auth ? basic(options.auth) : headers["Authorization"];
    if (authorization === undefined && (certificate === undefined || key === undefined)) {
      if (user.exec) throw this.#failed(NO_CREDENTIAL);
      const provider = user["auth-provider"]?.name;
      if (provider !== undefined) {
        throw this.#failed("its token has ended and cannot be replaced: log in again");
      }
      return refuseKubeconfig(
        this.#options.paths,
        `has a user "${user.name}" without token, password, certificate with key, or command`,
      );
    }
    const authority = text(options.ca);
    return {
      ...(authority === undefined ? {} : { certificateAuthority: authority }),
      ...(certificate === undefined || key === undefined ? {} : { certificate, key }),
      headers: [
        ...(authorization === undefined ? [] : [["authorization", authorization.trim()] as const]),
        ...impersonation(headers["Impersonate-User"], this.#context.user),
      ],
    };
  }

  /** After its first renewal the library renews an OIDC token for every call: its token is kept to its end here. */
  #keep(config: KubeConfig, credentials: Credentials): void {
    const provider = config.getCurrentUser()?.authProvider;
    if (provider?.name !== "oidc") return;
    const untilMs = endOfToken(provider.config?.["id-token"]);
    this.#kept = untilMs === undefined ? undefined : { credentials, untilMs };
  }

  #faultOf(error: unknown): Fault {
    const { user } = this.#context;
    if (error instanceof Deno.errors.NotFound || isFileError(error)) {
      return publicFault(
        "failed_precondition",
        `The kubeconfig file "${this.#options.paths}" names a file that cannot be read.`,
        error,
      );
    }
    // A parser's error quotes its text, which may be a token.
    if (user.exec && (error instanceof SyntaxError || error instanceof TypeError)) {
      return this.#failed(NO_CREDENTIAL);
    }
    return this.#failed(
      error instanceof Error ? error.message.trim().slice(-COMMAND_TEXT_MAX) : String(error),
    );
  }

  #failed(problem: string): Fault {
    const { name, user } = this.#context;
    const source = user.exec ? `command "${user.exec.command}"` : `user "${user.name}"`;
    return publicFault(
      "unavailable",
      `The kubeconfig's ${source} gave no credentials: ${problem}. ` +
        `Check it with "kubectl --context ${name} version" on this machine, as the same user.`,
    );
  }
}

const NO_CREDENTIAL =
  "it must print an ExecCredential with a status that holds a token, or clientCertificateData and clientKeyData";

/**
 * The library hands the issuer to `openid-client` as it is, which refuses a text.
 *
 * @see https://github.com/kubernetes-client/javascript/issues/2202
 */
function mendIssuer(config: KubeConfig): void {
  const provider = config.getCurrentUser()?.authProvider;
  const issuer = URL.parse(provider?.config?.["idp-issuer-url"] ?? "");
  if (provider?.name === "oidc" && issuer !== null) provider.config["idp-issuer-url"] = issuer;
}

function basic(pair: string): string {
  return `Basic ${new TextEncoder().encode(pair).toBase64()}`;
}

function text(value: unknown): string | undefined {
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Milliseconds since the epoch, from a JWT. */
function endOfToken(token: unknown): number | undefined {
  const [, payload = ""] = typeof token === "string" ? token.split(".") : [];
  try {
    const bytes = Uint8Array.fromBase64(payload, { alphabet: "base64url" });
    const { exp }: { exp?: unknown } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof exp === "number" ? exp * 1_000 : undefined;
  } catch {
    return undefined;
  }
}

/** Node's error of a file, not of a program that cannot be started or of a connection. */
function isFileError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error &&
    ["open", "read", "stat"].includes(String(error.syscall));
}
