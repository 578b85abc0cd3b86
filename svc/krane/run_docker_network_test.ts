import assert from "node:assert/strict";
import { apply, shell, Status, until, WEB_SERVER } from "./testing.ts";
import { Bench, NO_ENGINE } from "./testing_bench.ts";

/** Tries to connect to another app, prints the result, and serves. */
function asking(address: string): string[] {
  return shell(`nc -w 2 ${address} 3000 </dev/null && echo reached || echo kept out; ${WEB_SERVER}`);
}

Deno.test("an app is reached through its published port only, never by its neighbours", {
  ignore: NO_ENGINE,
}, async (t) => {
  for (const [dockerNetwork, answer] of [["unkey", "kept out"], ["bridge", "reached"]] as const) {
    await t.step(`in the network ${dockerNetwork}: ${answer}`, async () => {
      await using bench = await Bench.open();
      const [server, neighbour] = [bench.name(), bench.name()];
      await bench.agent({ dockerNetwork });
      const stream = await bench.plane.snapshot(0, 1, apply(server, 1));
      const [instance] = await bench.plane.settled(server, Status.RUNNING);
      assert.equal((await fetch(`http://${instance?.address}/`)).status, 200);
      const [container] = await bench.containers(server);
      stream.send(apply(neighbour, 2, { command: asking(container?.ip ?? "") }));
      const said = await until(
        "the output of the neighbour",
        () => bench.plane.lines.find(({ text }) => text === "reached" || text === "kept out"),
      );
      assert.equal(said.text, answer);
      await bench.plane.settled(neighbour, Status.RUNNING);
    });
  }
});
