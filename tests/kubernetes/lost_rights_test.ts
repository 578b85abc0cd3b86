/** Rights that are taken from a running agent: the refusal is reported, apps go on, and it heals. */
import assert from "node:assert/strict";
import { Status, until } from "../../svc/krane/testing.ts";
import { createNamespace, kubectl, onCluster } from "../testbed/cluster.ts";
import { accountKubeconfig } from "./account.ts";
import { KraneBed } from "./krane_bed.ts";

onCluster("an agent whose rights are taken away says so, and goes on when they are back", async (cluster) => {
  await using namespace = await createNamespace(cluster);
  const [account, binding] = ["krane", `${namespace.name}-krane`];
  await namespace.kubectl(["create", "serviceaccount", account]);
  const bind = (role: string): Promise<string> =>
    kubectl(cluster, [
      ...["create", "clusterrolebinding", binding, `--clusterrole=${role}`],
      `--serviceaccount=${namespace.name}:${account}`,
    ]);
  const unbind = (): Promise<string> =>
    kubectl(cluster, ["delete", "clusterrolebinding", binding, "--ignore-not-found"]);
  await bind("cluster-admin");
  try {
    await using bed = await KraneBed.open(cluster);
    const kubeconfig = await accountKubeconfig(cluster, { namespace: namespace.name, account });
    await bed.agent({ KUBECONFIG: kubeconfig });
    const name = bed.name();
    const variables = (word: string) => ({ environmentVariables: { NAME: word } });
    const stream = await bed.plane.snapshot(0, 1, bed.apply(name, 1, variables("world")));
    const [instance] = await bed.plane.settled(name, Status.RUNNING);
    const answer = async (): Promise<string> => await (await fetch(`http://${instance?.address}/`)).text();
    assert.equal(await answer(), "hello world\n");

    await unbind();
    await bind("view");
    stream.send(bed.apply(name, 2, variables("you")));
    const refusal = await until(
      "the refusal to be reported",
      () => bed.plane.acknowledgements.flatMap(({ results }) => results).find(({ error }) => error !== ""),
    );
    assert.match(refusal.error, /PATCH .* 403 Forbidden: .* cannot patch/);
    assert.equal(await answer(), "hello world\n", "the app goes on");

    await unbind();
    await bind("cluster-admin");
    await until(
      "the new variable",
      async () => {
        const running = bed.plane.instances(name).find(({ status }) => status === Status.RUNNING);
        if (running === undefined || running.k8sName === instance?.k8sName) return false;
        return await (await fetch(`http://${running.address}/`)).text() === "hello you\n";
      },
    );
  } finally {
    await unbind();
  }
});
