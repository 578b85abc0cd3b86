import assert from "node:assert/strict";
import { portHolder } from "./port_holder.ts";

Deno.test("the process that listens on a port is named", { ignore: Deno.build.os !== "linux" }, async (t) => {
  for (const hostname of ["127.0.0.1", "0.0.0.0"]) {
    await t.step(hostname, async () => {
      using listener = Deno.listen({ hostname, port: 0 });
      const holder = await portHolder(listener.addr.port);
      assert.match(holder ?? "", new RegExp(`^\\S+ \\(process ${Deno.pid}\\)$`));
    });
  }
  await t.step("a free port", async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    assert.equal(await portHolder(port), undefined);
  });
  await t.step("a system without such tables", async () => {
    assert.equal(await portHolder(80, "/nowhere"), undefined);
  });
});
