import { Status } from "../../svc/krane/testing.ts";
import { assertGiven, ENVIRON_SERVER, ODD_VARIABLES } from "../../svc/krane/testing_variables.ts";
import { onCluster } from "../testbed/cluster.ts";
import { KraneBed } from "./krane_bed.ts";

onCluster("an app in a pod gets variables with any name and value as they are", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  const name = bed.name();
  await bed.agent();
  const app = bed.apply(name, 1, { command: ENVIRON_SERVER, environmentVariables: { ...ODD_VARIABLES } });
  await bed.plane.snapshot(0, 1, app);
  const [instance] = await bed.plane.settled(name, Status.RUNNING);
  await assertGiven(instance?.address ?? "");
});
