import { apply, Status } from "./testing.ts";
import { engineTest } from "./testing_bench.ts";
import { assertGiven, ENVIRON_SERVER, ODD_VARIABLES } from "./testing_variables.ts";

engineTest("an app in Docker gets variables with any name and value as they are", async (bench) => {
  const { plane } = bench;
  const name = bench.name();
  await bench.agent();
  const app = apply(name, 1, { command: ENVIRON_SERVER, environmentVariables: { ...ODD_VARIABLES } });
  await plane.snapshot(0, 1, app);
  const [instance] = await plane.settled(name, Status.RUNNING);
  await assertGiven(instance?.address ?? "");
});
