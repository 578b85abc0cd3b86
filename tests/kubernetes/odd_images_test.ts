/** Images that a node cannot run, and images with a user of their own. */
import assert from "node:assert/strict";
import { Status, until } from "../../svc/krane/testing.ts";
import { onCluster, pushApp } from "../testbed/cluster.ts";
import { KraneBed } from "./krane_bed.ts";

/** The head of an ELF file of ARM 64, which is enough for the kernel of another machine to refuse it. */
const ARM_PROGRAM =
  "printf '\\177ELF\\002\\001\\001\\000\\000\\000\\000\\000\\000\\000\\000\\000\\002\\000\\267\\000\\001\\000\\000\\000' >/app" +
  " && head -c 40 /dev/zero >>/app && chmod +x /app";

onCluster("a program for another kind of machine is reported as such, within seconds", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  const image = await pushApp(cluster, {
    Dockerfile: `FROM busybox:stable\nRUN ${ARM_PROGRAM}\nENTRYPOINT ["/app"]\n`,
  });
  await bed.agent();
  const name = bed.name();
  await bed.plane.snapshot(0, 1, bed.apply(name, 1, { image, command: [] }));
  const failed = await until(
    "the failure",
    () => bed.plane.instances(name).find(({ status }) => status === Status.FAILED),
  );
  assert.match(failed.message, /machine is linux\/\w+.*--platform linux\/\w+/);
});

onCluster("an app of a user without rights binds port 80", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  const image = await pushApp(cluster, {
    Dockerfile: [
      "FROM busybox:stable",
      "COPY etc /etc",
      "COPY www /www",
      "USER nobody",
      "EXPOSE 80",
      'CMD ["sh", "-c", "exec httpd -f -p $PORT -h /www"]',
    ].join("\n"),
    "etc/passwd": "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
    "etc/group": "root:x:0:\nnobody:x:65534:\n",
    "www/index.html": "served",
  });
  await bed.agent();
  const name = bed.name();
  await bed.plane.snapshot(0, 1, bed.apply(name, 1, { image, command: [], port: 80 }));
  const [instance] = await bed.plane.settled(name, Status.RUNNING);
  assert.match(instance?.address ?? "", /:80$/);
  assert.equal(await (await fetch(`http://${instance?.address}/`)).text(), "served");
});
