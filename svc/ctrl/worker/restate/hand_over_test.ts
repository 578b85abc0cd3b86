import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { createLogger } from "../../../../pkg/logger/mod.ts";
import { handOver } from "./hand_over.ts";

const OWN = "http://127.0.0.1:9080";
const OURS = [{ name: "hydra.v1.DeploymentService" }];

interface Known {
  readonly id: string;
  uri?: string;
  readonly services: readonly { readonly name: string }[];
  readonly created_at: string;
}

interface Outcome {
  readonly patched: readonly string[];
  readonly log: readonly string[];
}

/** Ends a worker at `OWN`; Restate reaches the addresses that `reached` accepts. */
async function end(
  known: readonly Known[],
  reached: (uri: string) => boolean,
  status = 200,
): Promise<Outcome> {
  const patched: string[] = [];
  const log: string[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    async (request) => {
      if (status !== 200) return new Response("", { status });
      if (request.method === "GET") return Response.json({ deployments: known });
      const { uri, dry_run: isDry } = await request.json();
      if (request.method === "PATCH") {
        patched.push(`${new URL(request.url).pathname.split("/").at(-1)} ${uri}`);
        return Response.json({});
      }
      assert.equal(isDry, true, "nothing is registered");
      return reached(uri)
        ? Response.json({ id: "dp_x", services: [] })
        : Response.json({ message: "no", restate_code: "META0003" }, { status: 500 });
    },
  );
  await handOver({
    adminUrl: `http://127.0.0.1:${server.addr.port}`,
    uri: `${OWN}/`,
    clock: systemClock(),
    log: createLogger({ service: "test", level: "info", write: (line) => log.push(line) }),
  });
  return { patched, log };
}

const worker = (id: string, uri: string, minute: number, services = OURS): Known => ({
  id,
  uri,
  services,
  created_at: new Date(Date.UTC(2028, 0, 1, 0, minute)).toISOString(),
});

const MINE = [worker("dp_mine", `${OWN}/journal/1`, 1), worker("dp_taken", OWN, 0)];

Deno.test("a worker that ends leaves its workflows to the newest other one that Restate reaches", async (t) => {
  const others = [
    worker("dp_old", "http://old:9080/journal/1", 2),
    worker("dp_new", "http://new:9080/journal/1", 4),
    worker("dp_gone", "http://gone:9080/journal/1", 6),
    worker("dp_foreign", "http://foreign:9080", 8, [{ name: "other.Service" }]),
  ];
  await t.step("with each journal at the address of its revision", async () => {
    const { patched } = await end([...MINE, ...others], (uri) => !uri.includes("gone"));
    assert.deepEqual(patched, ["dp_mine http://new:9080/journal/1", "dp_taken http://new:9080/journal/1"]);
  });
  await t.step("not to one that cannot read the journal", async () => {
    const { patched } = await end(
      [...MINE, ...others],
      (uri) => uri === "http://new:9080/journal/2" || uri === "http://old:9080/journal/1",
    );
    assert.deepEqual(patched, ["dp_mine http://old:9080/journal/1", "dp_taken http://old:9080/journal/1"]);
  });
  await t.step("to no worker when there is no other one", async () => {
    assert.deepEqual(await end(MINE, () => true), { patched: [], log: [] });
    assert.deepEqual((await end([...MINE, ...others], () => false)).patched, []);
  });
  await t.step("a worker ends although Restate does not answer", async () => {
    const { patched, log } = await end(MINE, () => true, 500);
    assert.deepEqual([patched.length, log.length], [0, 1]);
    assert.match(log[0] ?? "", /workflows not left to another worker/);
  });
});
