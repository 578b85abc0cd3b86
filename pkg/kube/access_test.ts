import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { findApiserver, PrivateApiserver } from "../testkit/apiserver.ts";
import { AnyObject, listObjects, loadAccess, openCluster, SECRETS } from "./mod.ts";
import { CredentialCommand } from "./testing_tls_api.ts";

const LIMIT_MS = 180_000;

interface User {
  readonly user: object;
  readonly context?: string;
}

/** Lists Secrets, which only administrators may, with a kubeconfig of two contexts: `given` of the named user, and `unknown`, whose token the API does not know. */
async function listSecrets(api: PrivateApiserver, folder: string, { context, user }: User): Promise<void> {
  const cluster = {
    server: api.server,
    "certificate-authority": `${api.kubeconfig.replace(/[^/]*$/, "")}apiserver.crt`,
  };
  // The users are in a file of their own.
  await Deno.writeTextFile(
    `${folder}/contexts`,
    JSON.stringify({
      "current-context": "given",
      contexts: ["given", "unknown"].map((name) => ({ name, context: { cluster: "k", user: name } })),
      clusters: [{ name: "k", cluster }],
    }),
  );
  await Deno.writeTextFile(
    `${folder}/users`,
    JSON.stringify({ users: [{ name: "given", user }, { name: "unknown", user: { token: "unknown" } }] }),
  );
  const access = await loadAccess({ kubeconfig: `${folder}/contexts:${folder}/users`, context });
  const opened = openCluster(access);
  try {
    const signal = AbortSignal.timeout(LIMIT_MS);
    await listObjects(opened, SECRETS, { labels: {} }, { schema: AnyObject, signal });
  } finally {
    opened.close();
  }
}

Deno.test({
  name: "a real apiserver takes each kind of credentials, and refuses the user of another context",
  ignore: findApiserver() === undefined,
  fn: async (t) => {
    await using api = await PrivateApiserver.open();
    const folder = await Deno.makeTempDir({ prefix: "unkey-test-access-" });
    try {
      const { certificate, privateKey } = await api.clientCertificate("operator");
      const command = await CredentialCommand.write(folder);
      await command.prints({ token: api.token });
      const users: Readonly<Record<string, object>> = {
        "token": { token: api.token },
        "client certificate": { "client-certificate": certificate, "client-key": privateKey },
        "command": command.user,
        "impersonation": { token: api.token, as: "jane", "as-groups": ["none", "system:masters"] },
      };
      for (const [name, user] of Object.entries(users)) {
        await t.step(name, () => listSecrets(api, folder, { user }));
      }
      assert.equal((await command.calls()).length, 1);
      await t.step("another context", async () => {
        const refused = listSecrets(api, folder, { user: { token: api.token }, context: "unknown" });
        await assert.rejects(refused, (error) => isFault(error, "unauthenticated"));
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
