import assert from "node:assert/strict";
import { Status, until } from "../../svc/krane/testing.ts";
import { TOKEN_AUDIENCE } from "../../svc/krane/internal/runtime/kubernetes/replica_set.ts";
import { type Cluster, kubectl, onCluster } from "../testbed/cluster.ts";
import { KraneBed } from "./krane_bed.ts";

const TOKEN_FILE = "/var/run/secrets/unkey.com/token";
const BLOB = new TextEncoder().encode('{"secrets":{"KEY":"ciphertext"}}');

interface Ask {
  readonly token: string;
  readonly deploymentId: string;
  readonly environmentId: string;
  readonly blob?: Uint8Array;
}

/** Asks for variables as a pod would; answers with them, or with what was said instead. */
async function ask(port: number, { blob, ...rest }: Ask): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}/krane.v1.SecretsService/DecryptSecretsBlob`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...rest, ...(blob === undefined ? {} : { encryptedBlob: blob.toBase64() }) }),
  });
  return await response.json();
}

function createToken(cluster: Cluster, namespace: string, args: readonly string[]): Promise<string> {
  return kubectl(cluster, ["create", "token", "default", "-n", namespace, ...args]).then((text) =>
    text.trim()
  );
}

onCluster("variables are given to the pods of their own deployment, and to nobody else", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  const { plane, namespace } = bed;
  const { port } = await bed.agent({ UNKEY_KRANE_POD_TOKEN: "true" });
  const [mine, other] = [bed.name(), bed.name()];
  await plane.snapshot(
    0,
    2,
    bed.apply(mine, 1, { environmentVariables: { KEY: "mine" }, encryptedEnvironmentVariables: BLOB }),
    bed.apply(other, 2, { environmentVariables: { KEY: "other" }, environmentId: "env_2" }),
  );
  const [instance] = await plane.settled(mine, Status.RUNNING);
  const [another] = await plane.settled(other, Status.RUNNING);
  assert.ok(instance && another);
  const read = (pod: string): Promise<string> =>
    kubectl(cluster, ["exec", "-n", namespace, pod, "--", "cat", TOKEN_FILE]).then((text) => text.trim());
  const token = await read(instance.k8sName);
  const right: Ask = { token, deploymentId: `d_${mine}`, environmentId: "env_1" };
  assert.deepEqual(await ask(port, right), { envVars: { KEY: "mine" } });
  assert.deepEqual(await ask(port, { ...right, blob: BLOB }), { envVars: { KEY: "mine" } });
  assert.deepEqual(
    await ask(port, {
      token: await read(another.k8sName),
      deploymentId: `d_${other}`,
      environmentId: "env_2",
    }),
    { envVars: { KEY: "other" } },
  );

  // Labels anybody can write who may make pods: this one says that it is the deployment's, and is not.
  const forged = `${mine}-forged`;
  const [real] = await bed.pods(mine);
  const manifest = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: forged,
      namespace,
      labels: real?.metadata.labels,
      ownerReferences: [{
        apiVersion: "v1",
        kind: "Namespace",
        name: namespace,
        uid: await uidOf(cluster, namespace),
        controller: true,
      }],
    },
    spec: { containers: [{ name: "deployment", image: "busybox:stable", command: ["sleep", "600"] }] },
  };
  await kubectl(cluster, ["apply", "-f", "-"], JSON.stringify(manifest));
  await kubectl(cluster, [
    "wait",
    "-n",
    namespace,
    `pod/${forged}`,
    "--for=jsonpath={.status.phase}=Running",
    "--timeout=180s",
  ]);

  const audience = `--audience=${TOKEN_AUDIENCE}`;
  const bound = (pod: string): string[] => ["--bound-object-kind=Pod", `--bound-object-name=${pod}`];
  const wrong: Record<string, Ask> = {
    "no token": { ...right, token: "" },
    "nonsense": { ...right, token: "x.y.z" },
    "a token that is far too long": { ...right, token: "x".repeat(100_000) },
    "another deployment": { ...right, deploymentId: `d_${other}` },
    "another environment": { ...right, environmentId: "env_2" },
    "another deployment as a whole": { ...right, deploymentId: `d_${other}`, environmentId: "env_2" },
    "another blob": { ...right, blob: new TextEncoder().encode("{}") },
    "a token for another audience": {
      ...right,
      token: await createToken(cluster, namespace, bound(instance.k8sName)),
    },
    "a token of no pod": { ...right, token: await createToken(cluster, namespace, [audience]) },
    "a forged pod": { ...right, token: await createToken(cluster, namespace, [audience, ...bound(forged)]) },
  };
  const refusals = new Set<string>();
  for (const [name, request] of Object.entries(wrong)) {
    const answer = JSON.stringify(await ask(port, request));
    assert.match(answer, /"code":"unauthenticated"/, name);
    refusals.add(answer);
  }
  assert.equal(refusals.size, 1, "nobody learns what was wrong");

  await bed.deletePod(instance.k8sName);
  await until(
    "a pod that ends to be refused",
    async () => JSON.stringify(await ask(port, right)).includes("unauthenticated"),
  );
  assert.deepEqual(bed.logs.filter((line) => line.includes(token) || line.includes('"mine"')), []);
});

async function uidOf(cluster: Cluster, namespace: string): Promise<string> {
  return (await kubectl(cluster, ["get", "namespace", namespace, "-o", "jsonpath={.metadata.uid}"])).trim();
}

onCluster("a pod gets no token of Kubernetes itself", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  await bed.agent();
  const name = bed.name();
  await bed.plane.snapshot(0, 1, bed.apply(name, 1));
  const [instance] = await bed.plane.settled(name, Status.RUNNING);
  const list = [
    "exec",
    "-n",
    bed.namespace,
    instance?.k8sName ?? "",
    "--",
    "sh",
    "-c",
    "ls /var/run/secrets 2>&1; id",
  ];
  const listed = await kubectl(cluster, list);
  assert.doesNotMatch(listed, /kubernetes\.io|unkey\.com/);
});
