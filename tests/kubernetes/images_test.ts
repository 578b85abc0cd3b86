/** An image that runs under `docker run` runs as a pod, and where a namespace allows less, the reason is said. */
import assert from "node:assert/strict";
import { remove, Status, until } from "../../svc/krane/testing.ts";
import { ownLabels } from "../../svc/krane/internal/runtime/kubernetes/labels.ts";
import { type Cluster, kubectl, onCluster, pushApp } from "../testbed/cluster.ts";
import { KraneBed, REGION } from "./krane_bed.ts";

const SERVE = 'exec httpd -f -p "$PORT" -h /www';
const USERS = "root:x:0:0::/root:/bin/sh\nweb:x:101:101::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n";

/** An image with users, a page, and folders of root's and of a user's. */
function image(cluster: Cluster, ...lines: readonly string[]): Promise<string> {
  return pushApp(cluster, {
    Dockerfile: [
      "FROM busybox:stable",
      "COPY etc /etc",
      "COPY www /www",
      "RUN mkdir -p /var/cache/web /data && chown web /data && chmod 700 /data",
      ...lines,
      `CMD ["sh", "-c", "${SERVE.replaceAll('"', '\\"')}"]`,
    ].join("\n"),
    "etc/passwd": USERS,
    "etc/group": "root:x:0:\nweb:x:101:\nnobody:x:65534:\n",
    "www/index.html": "served",
  });
}

/** The entrypoints of well-known images do this; each needs other capabilities. */
const STARTS: Readonly<Record<string, string>> = {
  "sets an owner and drops to a user": `chown -R web /var/cache/web && exec su web -s /bin/sh -c '${SERVE}'`,
  "drops to a user": `exec su web -s /bin/sh -c '${SERVE}'`,
  "writes into a folder of a user's as root": `echo started >/data/log && ${SERVE}`,
  "binds a low port as a user": `exec su nobody -s /bin/sh -c '${SERVE}'`,
};

onCluster("images that start as root run as pods, with the operator's labels", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  await bed.agent({
    UNKEY_KRANE_POD_LABELS: "team=shop",
    UNKEY_KRANE_POD_ANNOTATIONS: "example.com/cost-centre=7",
  });
  const name = await image(cluster);
  const apps = Object.entries(STARTS).map(([title, script]) => ({ title, script, app: bed.name() }));
  const states = apps.map(({ app, script }, index) =>
    bed.apply(app, index + 1, {
      image: name,
      command: ["sh", "-c", script],
      port: script.includes("nobody") ? 80 : 8080,
    })
  );
  await bed.plane.snapshot(0, states.length, ...states);
  for (const { app, title } of apps) {
    const instance = await until(
      `the app that ${title}`,
      () =>
        bed.plane.instances(app).find(({ status }) => status === Status.RUNNING || status === Status.FAILED),
    );
    assert.equal(instance.message, "", title);
    assert.equal(await (await fetch(`http://${instance.address}/`)).text(), "served", title);
  }
  const marks = "{.metadata.labels.team} {.metadata.annotations.example\\.com/cost-centre}";
  for (const kind of ["replicasets", "pods"]) {
    const path = `jsonpath={range .items[*]}${marks}{"\\n"}{end}`;
    const found = await kubectl(cluster, ["get", kind, "-n", bed.namespace, "-o", path]);
    assert.deepEqual(found.trim().split("\n"), Array(apps.length).fill("shop 7"), kind);
  }
});

onCluster(
  "in a namespace that enforces restricted, an image's user decides, and advice is given",
  async (cluster) => {
    await using bed = await KraneBed.open(cluster);
    await restrictedNamespace(cluster, bed);
    const [numeric, named, root] = await Promise.all([
      image(cluster, "USER 101"),
      image(cluster, "USER nobody"),
      image(cluster),
    ]);
    const agent = await bed.agent({ UNKEY_KRANE_POD_SECURITY: "restricted" });
    const apps = { numeric: bed.name(), named: bed.name(), root: bed.name() };
    const changes = { port: 80, command: [] };
    const stream = await bed.plane.snapshot(
      0,
      3,
      bed.apply(apps.numeric, 1, { ...changes, image: numeric }),
      bed.apply(apps.named, 2, { ...changes, image: named }),
      bed.apply(apps.root, 3, { ...changes, image: root }),
    );
    const [instance] = await bed.plane.settled(apps.numeric, Status.RUNNING);
    assert.equal(await (await fetch(`http://${instance?.address}/`)).text(), "served");
    for (
      const [app, text] of [[apps.named, /user "nobody" is a name/], [
        apps.root,
        /runs as root.*USER 65532/,
      ]] as const
    ) {
      const refused = await until(
        "the refusal",
        () => bed.plane.instances(app).find(({ message }) => message !== ""),
      );
      assert.match(refused.message, text);
    }
    stream.send(remove(apps.named, 4), remove(apps.root, 5));
    await until("no others", async () => (await bed.sets()).length === 1);
    await agent.stop();
  },
);

/** A namespace with the labels of the agent's own, as an operator gives it away. */
async function restrictedNamespace(cluster: Cluster, bed: KraneBed): Promise<void> {
  const labels = {
    ...ownLabels({ region: REGION, controlPlaneId: bed.id }),
    "pod-security.kubernetes.io/enforce": "restricted",
  };
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: bed.namespace, labels } };
  await kubectl(cluster, ["create", "-f", "-"], JSON.stringify(namespace));
}
