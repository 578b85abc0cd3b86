import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { loadAccess } from "./mod.ts";
import { TlsApi } from "./testing_tls_api.ts";

/** Renews tokens; each new one is `token-<number>` in its subject. */
class IdentityProvider implements AsyncDisposable {
  renewals = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(api: TlsApi) {
    this.#server = Deno.serve({
      hostname: "localhost",
      port: 0,
      cert: Deno.readTextFileSync(api.files.certificate),
      key: Deno.readTextFileSync(api.files.privateKey),
      onListen: () => undefined,
    }, (request) => this.#answer(new URL(request.url).pathname));
  }

  get issuer(): string {
    return `https://localhost:${this.#server.addr.port}`;
  }

  #answer(path: string): Response {
    if (path === "/.well-known/openid-configuration") {
      return Response.json({
        issuer: this.issuer,
        authorization_endpoint: `${this.issuer}/authorize`,
        token_endpoint: `${this.issuer}/token`,
        jwks_uri: `${this.issuer}/keys`,
        response_types_supported: ["code"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
      });
    }
    this.renewals++;
    return Response.json({
      access_token: "unused",
      token_type: "bearer",
      expires_in: 3_600,
      refresh_token: `refresh-${this.renewals}`,
      id_token: idToken(this.issuer, { subject: `token-${this.renewals}`, lifeSeconds: 3_600 }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function idToken(issuer: string, token: { readonly subject: string; readonly lifeSeconds: number }): string {
  const now = Math.floor(Date.now() / 1_000);
  const part = (value: unknown): string =>
    new TextEncoder().encode(JSON.stringify(value)).toBase64({ alphabet: "base64url", omitPadding: true });
  const claims = {
    iss: issuer,
    aud: "kubernetes",
    sub: token.subject,
    iat: now,
    exp: now + token.lifeSeconds,
  };
  return [part({ alg: "RS256" }), part(claims), "c2lnbmF0dXJl"].join(".");
}

function subjectOf(authorization: string | undefined): unknown {
  const [, payload = ""] = authorization?.split(".") ?? [];
  return JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))).sub;
}

const ROOT = new URL("../../", import.meta.url).pathname;

/** Calls the API three times with a kubeconfig, in a process that trusts the authority of the identity provider. */
async function callsOf(api: TlsApi, kubeconfig: string): Promise<string> {
  const program = await api.write(
    "program.ts",
    `import { clusterVersion, loadAccess, openCluster } from "${ROOT}pkg/kube/mod.ts";
     const cluster = openCluster(await loadAccess({ kubeconfig: ${JSON.stringify(kubeconfig)} }));
     for (let call = 0; call < 3; call++) await clusterVersion(cluster, AbortSignal.timeout(60_000));
     cluster.close();`,
  );
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--no-check", `--config=${ROOT}deno.json`],
      ...[`--cert=${api.files.authority}`, program],
    ],
    stdin: "null",
  }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

/** The library by itself renews a token for each call after the first renewal. */
Deno.test("an OIDC token is renewed once when it has ended, not for each call", async (t) => {
  await using api = await TlsApi.open();
  await using provider = new IdentityProvider(api);
  const user = (config: Readonly<Record<string, string>>): unknown => ({
    "auth-provider": {
      name: "oidc",
      config: {
        "idp-issuer-url": provider.issuer,
        "client-id": "kubernetes",
        "id-token": idToken(provider.issuer, { subject: "ended", lifeSeconds: -60 }),
        ...config,
      },
    },
  });
  await t.step("with a refresh token", async () => {
    const output = await callsOf(api, await api.kubeconfig(user({ "refresh-token": "refresh-0" })));
    const subjects = api.seen.map(({ authorization }) => subjectOf(authorization));
    assert.deepEqual(subjects, ["token-1", "token-1", "token-1"], output);
    assert.equal(provider.renewals, 1);
  });
  const refused: readonly [string, Readonly<Record<string, string>>, RegExp][] = [
    ["without a refresh token", {}, /its token has ended.*log in again/],
    [
      "with an authority of its own",
      { "idp-certificate-authority": "x" },
      /idp-certificate-authority\), which is not supported: add the authority/,
    ],
  ];
  for (const [name, config, text] of refused) {
    await t.step(name, async () => {
      const kubeconfig = await api.kubeconfig(user(config));
      await assert.rejects(
        loadAccess({ kubeconfig }),
        (error) => isFault(error) && text.test(error.publicMessage ?? ""),
      );
    });
  }
});
