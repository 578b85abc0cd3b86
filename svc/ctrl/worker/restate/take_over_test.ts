import assert from "node:assert/strict";
import { Secret } from "../../../../pkg/config/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { takeOverForever } from "./take_over.ts";

const OWN = "http://127.0.0.1:9080";
const GONE = "http://127.0.0.1:1";
const OURS = [{ name: "hydra.v1.DeploymentService" }];

interface Bed {
  /** As Restate lists them. */
  readonly known: { readonly id: string; uri?: string; readonly services: readonly { name: string }[] }[];
  /** True: Restate reaches workers that do not answer here. */
  restateReaches: boolean;
  /** True: the worker at `worker` answers. */
  answers: boolean;
  adminFails: boolean;
  readonly worker: string;
  /** Registrations that were pointed elsewhere: the id, and the time in seconds. */
  readonly patched: string[];
  /** Of every listing, in seconds. */
  readonly looks: number[];
}

/** Looks after former workers for so many seconds, which take no time. */
async function during(
  seconds: number,
  prepare: (bed: Bed) => void,
  each: (bed: Bed, second: number) => void = () => undefined,
): Promise<Bed> {
  let nowMs = 0;
  const worker = serveWorker(() => bed.answers);
  const admin = serve(async (request) => {
    const { pathname } = new URL(request.url);
    assert.equal(request.headers.get("authorization"), "Bearer s3cret");
    if (request.method === "GET") {
      bed.looks.push(nowMs / 1_000);
      if (bed.adminFails) return new Response("no", { status: 500 });
      return Response.json({ deployments: bed.known });
    }
    const body = await request.json();
    if (request.method === "POST") {
      assert.equal(body.dry_run, true, "nothing is registered");
      return bed.restateReaches
        ? Response.json({ id: "dp_x", services: [] })
        : Response.json({ message: "no", restate_code: "META0003" }, { status: 500 });
    }
    const id = pathname.split("/").at(-1) ?? "";
    bed.patched.push(`${id} ${nowMs / 1_000}`);
    const found = bed.known.find((worker) => worker.id === id);
    if (found !== undefined) found.uri = body.uri;
    return Response.json({ id });
  });
  const bed: Bed = {
    known: [],
    restateReaches: false,
    answers: true,
    adminFails: false,
    worker: worker.url,
    patched: [],
    looks: [],
  };
  prepare(bed);
  const stop = new AbortController();
  const clock = {
    now: () => nowMs,
    sleep: (ms: number): Promise<void> => {
      nowMs += ms;
      each(bed, nowMs / 1_000);
      if (nowMs >= seconds * 1_000) stop.abort(new Error("enough"));
      return Promise.resolve();
    },
  };
  try {
    const apiKey = new Secret("s3cret");
    const own = { adminUrl: admin.url, apiKey, uri: `${OWN}/`, clock, log: silentLogger() };
    await takeOverForever(own, stop.signal);
    return bed;
  } finally {
    await admin.server.shutdown();
    await worker.close();
  }
}

function serve(handler: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => undefined }, handler);
  return { server, url: `http://127.0.0.1:${server.addr.port}` };
}

/** A worker that can be made to close connections without an answer. */
function serveWorker(answers: () => boolean) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accept = async (): Promise<void> => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(1_024));
      const answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
      if (answers()) await connection.write(new TextEncoder().encode(answer));
      connection.close();
    }
  };
  const accepting = accept();
  const close = async (): Promise<void> => {
    listener.close();
    await accepting;
  };
  return { url: `http://127.0.0.1:${listener.addr.port}`, close };
}

/** Workflows that began on a worker that is gone would wait for it for ever. */
Deno.test("a worker that is gone is taken over after a while; living ones and others' services are not", async () => {
  const { patched, looks } = await during(60, ({ known, worker }) =>
    void known.push(
      { id: "dp_own", uri: `${OWN}/`, services: OURS },
      { id: "dp_gone", uri: `${GONE}/`, services: OURS },
      { id: "dp_its_former", uri: `${GONE}/`, services: OURS },
      { id: "dp_living", uri: `${worker}/`, services: OURS },
      { id: "dp_foreign", uri: "http://127.0.0.1:2/", services: [{ name: "other.Service" }] },
      { id: "dp_lambda", services: OURS },
    ));
  assert.deepEqual(patched, ["dp_gone 15", "dp_its_former 15"]);
  assert.deepEqual(looks.slice(0, 4), [0, 5, 10, 15]);
});

/** In a rolling update the new worker registers while the old one still answers, and then that one goes. */
Deno.test("a worker that goes away long after the start is taken over too, also when Restate was away", async () => {
  const { patched, looks } = await during(
    400,
    ({ known, worker }) => void known.push({ id: "dp_old", uri: worker, services: OURS }),
    (bed, second) => {
      bed.answers = second < 100;
      bed.adminFails = second > 120 && second < 180;
    },
  );
  assert.equal(patched.length, 1);
  const [, second = ""] = /^dp_old (\S+)$/.exec(patched[0] ?? "") ?? [];
  assert.ok(Number(second) >= 115 && Number(second) <= 300, `at ${second} s`);
  assert.ok(looks.length < 30, `${looks}`);
});

/** Two workers with one workflow each would have it run by the other. */
Deno.test("a worker that is busy, or starts again, is not taken over", async () => {
  const { patched } = await during(
    600,
    (bed) => {
      bed.known.push({ id: "dp_busy", uri: bed.worker, services: OURS });
      bed.answers = false;
    },
    (bed, second) => void (bed.answers = Math.round(second) % 20 >= 15),
  );
  assert.deepEqual(patched, []);
});

Deno.test("a worker that only Restate reaches is not taken over", async () => {
  const { patched } = await during(600, (bed) => {
    bed.known.push({ id: "dp_apart", uri: GONE, services: OURS });
    bed.restateReaches = true;
  });
  assert.deepEqual(patched, []);
});

/** Replayed with another order of steps, a run would end for good. */
Deno.test("journals are gone on with as the revision that they were written with, and unknown ones are left alone", async () => {
  const bed = await during(60, ({ known }) =>
    void known.push(
      { id: "dp_own", uri: `${OWN}/journal/1`, services: OURS },
      { id: "dp_older", uri: `${OWN}/`, services: OURS },
      { id: "dp_known", uri: `${GONE}/journal/1`, services: OURS },
      { id: "dp_before", uri: `${GONE}/`, services: OURS },
      { id: "dp_newer", uri: `${GONE}/journal/999`, services: OURS },
    ));
  assert.deepEqual(bed.patched.map((each) => each.split(" ")[0]).sort(), ["dp_before", "dp_known"]);
  const uris = Object.fromEntries(bed.known.map(({ id, uri }) => [id, uri]));
  assert.equal(uris["dp_known"], `${OWN}/journal/1`);
  assert.equal(uris["dp_before"], `${OWN}/journal/1`);
});
