import assert from "node:assert/strict";
import { describeError, isFault } from "../fault/mod.ts";
import { loadAccess } from "./mod.ts";
import { ask, LIMIT_MS, refusal, withCluster } from "./testing_kubeconfig.ts";
import { CredentialCommand, TlsApi } from "./testing_tls_api.ts";

const HOUR_MS = 3_600_000;

Deno.test("a command for credentials runs once for many calls, and again when they have ended", async () => {
  await using api = await TlsApi.open();
  const command = await CredentialCommand.write(api.folder);
  const until = (ms: number): string => new Date(Date.now() + ms).toISOString();
  await command.prints({ token: "first", expirationTimestamp: until(HOUR_MS) });
  await withCluster({ kubeconfig: await api.kubeconfig(command.user) }, async (cluster) => {
    await Promise.all(Array.from({ length: 50 }, () => ask(cluster)));
    assert.equal((await command.calls()).length, 1);
  });
  assert.deepEqual(new Set(api.seen.map(({ authorization }) => authorization)), new Set(["Bearer first"]));
  assert.deepEqual(JSON.parse((await command.calls())[0] ?? ""), {
    apiVersion: "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    spec: { interactive: false },
  });

  await command.prints({ token: "ended", expirationTimestamp: until(-1) });
  await withCluster({ kubeconfig: await api.kubeconfig(command.user) }, async (cluster) => {
    await command.prints({ token: "next", expirationTimestamp: until(HOUR_MS) });
    await ask(cluster);
    await ask(cluster);
    assert.equal((await command.calls()).length, 3);
  });
  assert.equal(api.seen.at(-1)?.authorization, "Bearer next");
});

/** Credentials without an end are valid until the API refuses them, as the protocol of these commands says. */
Deno.test("a command runs again after the API has refused its credentials", async () => {
  await using api = await TlsApi.open();
  const command = await CredentialCommand.write(api.folder);
  await command.prints({ token: "first" });
  await withCluster({ kubeconfig: await api.kubeconfig(command.user) }, async (cluster) => {
    await ask(cluster);
    await command.prints({ token: "second" });
    api.status = 401;
    await assert.rejects(ask(cluster), (error) => isFault(error, "unauthenticated"));
    api.status = 200;
    await ask(cluster);
    await ask(cluster);
  });
  assert.deepEqual(api.seen.map(({ authorization }) => authorization), [
    "Bearer first",
    "Bearer first",
    "Bearer second",
    "Bearer second",
  ]);
  assert.equal((await command.calls()).length, 2);
});

Deno.test("a command's certificate is used, and replaced without breaking calls that are under way", async () => {
  await using api = await TlsApi.open();
  const command = await CredentialCommand.write(api.folder);
  const prints = async (user: string): Promise<void> => {
    const { certificate, privateKey } = await api.clientCertificate(user);
    await command.prints({
      clientCertificateData: await Deno.readTextFile(certificate),
      clientKeyData: await Deno.readTextFile(privateKey),
      expirationTimestamp: new Date(Date.now() - 1).toISOString(),
    });
  };
  await prints("first");
  await withCluster({ kubeconfig: await api.kubeconfig(command.user) }, async (cluster) => {
    const signal = AbortSignal.timeout(LIMIT_MS);
    const unread = await cluster.call({ method: "GET", path: "/version", streamed: true, signal });
    await prints("second");
    await ask(cluster);
    assert.deepEqual(await unread.json(), { gitVersion: "v1.36.0" });
  });
  assert.deepEqual(api.seen.map(({ client }) => client), ["first", "second"]);
});

Deno.test("a command that fails or prints no credential is named with its error, and tried again", async (t) => {
  await using api = await TlsApi.open();
  const command = await CredentialCommand.write(api.folder);
  const kubeconfig = await api.kubeconfig(command.user);
  await t.step("an error", async () => {
    await command.failsWith("token expired, run: cloud login\n");
    await refusal(
      { kubeconfig },
      /command ".*fetch-credentials" gave no credentials: token expired, run: cloud login\. Check it with "kubectl/,
    );
    await command.failsWith(undefined);
  });
  for (const printed of ["a-bare-token", "null", "{}", '{"status":{}}', ""]) {
    await t.step(`output: ${printed || "empty"}`, async () => {
      await command.prints(printed);
      const error = await loadAccess({ kubeconfig }).then(() => undefined, (reason: unknown) => reason);
      assert.ok(isFault(error, "unavailable"));
      assert.match(error.publicMessage ?? "", /it must print an ExecCredential/);
      assert.doesNotMatch(describeError(error), /a-bare-token/, "an output may be a secret");
    });
  }
  await t.step("a command that is not installed", async () => {
    const missing = await api.kubeconfig({ exec: { command: "unkey-no-such-command" } });
    await refusal({ kubeconfig: missing }, /"unkey-no-such-command" gave no credentials: spawn .*ENOENT/);
  });
  await t.step("while it runs", async () => {
    const kubeconfig = await api.kubeconfig(command.user);
    await command.prints({ token: "good", expirationTimestamp: new Date(Date.now() - 1).toISOString() });
    await withCluster({ kubeconfig }, async (cluster) => {
      await command.prints("junk");
      await assert.rejects(ask(cluster), (error) => isFault(error, "unavailable"));
      await command.prints({ token: "better" });
      await ask(cluster);
    });
    assert.equal(api.seen.at(-1)?.authorization, "Bearer better");
  });
});
