import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { describeError, isFault } from "../fault/mod.ts";
import { createLogger } from "../logger/mod.ts";
import { findApiserver, PrivateApiserver } from "../testkit/apiserver.ts";
import {
  AnyObject,
  applyObject,
  type Cluster,
  clusterVersion,
  createObject,
  deleteObject,
  getObject,
  Informer,
  isExpired,
  type KubeObject,
  listObjects,
  loadAccess,
  type Manifest,
  openCluster,
  reviewPodToken,
  SECRETS,
  watchObjects,
} from "./mod.ts";

const LIMIT_MS = 180_000;
const LABELS = { "app": "test" };

function apiTest(name: string, test: (api: PrivateApiserver, cluster: Cluster) => Promise<void>): void {
  Deno.test({
    name,
    ignore: findApiserver() === undefined,
    fn: async () => {
      await using api = await PrivateApiserver.open();
      const cluster = openCluster(await loadAccess(api.kubeconfig));
      try {
        await test(api, cluster);
      } finally {
        cluster.close();
      }
    },
  });
}

const signal = (): AbortSignal => AbortSignal.timeout(LIMIT_MS);

function secret(name: string, value: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: "default", labels: LABELS },
    stringData: { value },
  };
}

async function apply(cluster: Cluster, name: string, value: string): Promise<KubeObject> {
  const options = { fieldManager: "test", schema: AnyObject, signal: signal() };
  return await applyObject(cluster, SECRETS, secret(name, value), options);
}

async function until(what: string, probe: () => boolean): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!probe()) {
    assert.ok(performance.now() < deadline, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

apiTest("objects are applied, read, listed and deleted, and errors are faults", async (_api, cluster) => {
  assert.match(await clusterVersion(cluster, signal()), /^v1\./);
  const ref = { namespace: "default", name: "a" };
  const options = { schema: AnyObject, signal: signal() };
  assert.equal(await getObject(cluster, SECRETS, ref, options), undefined);
  const first = await apply(cluster, "a", "1");
  const same = await apply(cluster, "a", "1");
  assert.equal(
    same.metadata.resourceVersion,
    first.metadata.resourceVersion,
    "the same again changes nothing",
  );
  await assert.rejects(
    createObject(cluster, SECRETS, secret("a", "2"), options),
    (e) => isFault(e, "already_exists"),
  );
  for (let index = 0; index < 3; index++) await apply(cluster, `b${index}`, "x");
  const { items } = await listObjects(cluster, SECRETS, { labels: LABELS }, options);
  assert.deepEqual(items.map(({ metadata }) => metadata.name).toSorted(), ["a", "b0", "b1", "b2"]);

  const gone = { propagation: "Background", signal: signal() } as const;
  await deleteObject(cluster, SECRETS, ref, { ...gone, uid: "another" });
  assert.ok(await getObject(cluster, SECRETS, ref, options), "another object of the name is not deleted");
  await deleteObject(cluster, SECRETS, ref, { ...gone, uid: first.metadata.uid });
  await deleteObject(cluster, SECRETS, ref, gone);
  assert.equal(await getObject(cluster, SECRETS, ref, options), undefined);
  const bad = { ...secret("Not a name", ""), apiVersion: "v1" };
  await assert.rejects(
    applyObject(cluster, SECRETS, bad, { fieldManager: "test", ...options }),
    (error) => isFault(error, "invalid_argument") && /Not a name/.test(error.publicMessage ?? ""),
  );
  assert.equal(await reviewPodToken(cluster, "nonsense", { audience: "x", signal: signal() }), undefined);
});

/** An apiserver allows 100 streams per connection; a body that was cancelled once broke calls that waited for one. */
apiTest("400 deletes at once all succeed", async (_api, cluster) => {
  const names = Array.from({ length: 400 }, (_, index) => `many${index}`);
  await Promise.all(names.map((name) => apply(cluster, name, "x")));
  const deletion = { propagation: "Background", signal: signal() } as const;
  const results = await Promise.allSettled(
    names.map((name) => deleteObject(cluster, SECRETS, { namespace: "default", name }, deletion)),
  );
  const failures = results.flatMap((each) => each.status === "rejected" ? [describeError(each.reason)] : []);
  assert.deepEqual(failures, []);
  const { items } = await listObjects(cluster, SECRETS, { labels: LABELS }, {
    schema: AnyObject,
    signal: signal(),
  });
  assert.deepEqual(items, []);
});

/** The informer of one test, and what it has seen. */
class Watching implements AsyncDisposable {
  readonly seen: string[] = [];
  readonly logs: string[] = [];
  readonly informer: Informer<KubeObject>;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(cluster: Cluster, silenceMs?: number) {
    this.informer = new Informer({
      cluster,
      resource: SECRETS,
      selection: { labels: LABELS },
      schema: AnyObject,
      onChange: ({ metadata }) => this.seen.push(metadata.name),
      clock: systemClock(),
      log: createLogger({ service: "test", level: "debug", write: (line) => this.logs.push(line) }),
      ...(silenceMs === undefined ? {} : { silenceMs }),
    });
    this.#done = this.informer.run(this.#stop.signal);
  }

  names(): string[] {
    return [...this.informer.all()].map(({ metadata }) => metadata.name).toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
}

apiTest("an informer follows what happens, over crashes of the apiserver", async (api, cluster) => {
  await apply(cluster, "before", "1");
  await using watching = new Watching(cluster);
  await watching.informer.listed;
  assert.deepEqual(watching.names(), ["before"]);
  await apply(cluster, "during", "1");
  await until("an addition", () => watching.names().includes("during"));
  await api.kill();
  await api.start();
  await apply(cluster, "after", "1");
  await deleteObject(cluster, SECRETS, { namespace: "default", name: "before" }, {
    propagation: "Background",
    signal: signal(),
  });
  await until("all of it", () => watching.names().join() === "after,during");
  assert.equal(watching.seen.filter((name) => name === "during").length, 1, "nothing is told again");
});

/** A connection that died without a word would otherwise be waited on for ever. */
apiTest("an informer leaves a watch that has gone silent", async (api, cluster) => {
  await using watching = new Watching(cluster, 1_000);
  await watching.informer.listed;
  api.freeze();
  await until("the watch to be given up", () => watching.logs.some((line) => line.includes("was silent")));
  api.thaw();
  await apply(cluster, "late", "1");
  await until("the object", () => watching.names().includes("late"));
});

apiTest("a version that is too old is told apart from other failures", async (api, cluster) => {
  await api.kill();
  // An apiserver knows what happened since it started.
  await api.start();
  const from = { resourceVersion: "1", signal: signal() };
  const read = async (): Promise<void> => {
    for await (const _ of watchObjects(cluster, SECRETS, { labels: {} }, from));
  };
  await assert.rejects(read(), isExpired);
});

Deno.test("an informer lists again when its version is too old, and tells what changed and what is gone only", async () => {
  const object = (name: string, version: string) => ({
    metadata: { name, uid: name, resourceVersion: version },
  });
  const expired = { type: "ERROR", object: { code: 410, reason: "Expired", message: "too old" } };
  const answers: Record<string, unknown>[] = [
    { metadata: { resourceVersion: "5" }, items: [object("a", "3"), object("b", "4")] },
    expired,
    { metadata: { resourceVersion: "9" }, items: [object("a", "3"), object("c", "8")] },
  ];
  const cluster: Cluster = {
    server: "https://test",
    close: () => undefined,
    call({ signal }) {
      const next = answers.shift();
      if (next !== undefined) return Promise.resolve(new Response(`${JSON.stringify(next)}\n`));
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  };
  await using watching = new Watching(cluster);
  await until("the second list", () => watching.names().join() === "a,c");
  assert.deepEqual(watching.seen, ["a", "b", "b", "c"]);
});

Deno.test("loadAccess() says what is wrong with a kubeconfig, and never tries without one", async () => {
  await assert.rejects(loadAccess("/nonexistent/config"), (e) => isFault(e, "failed_precondition"));
  const file = await Deno.makeTempFile();
  try {
    const base = {
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
      clusters: [{ name: "k", cluster: { server: "https://127.0.0.1:1/" } }],
      users: [{ name: "u", user: { token: "t" } }],
    };
    const cases: [unknown, RegExp][] = [
      ["no: [", /is not a kubeconfig/],
      [{ ...base, "current-context": "x" }, /has no context "x"/],
      [{ ...base, clusters: [] }, /has no cluster "k"/],
      [
        { ...base, users: [{ name: "u", user: { exec: { command: "aws" } } }] },
        /commands that fetch credentials/,
      ],
      [
        { ...base, clusters: [{ name: "k", cluster: { server: "x", "insecure-skip-tls-verify": true } }] },
        /accept any certificate/,
      ],
      [
        { ...base, users: [{ name: "u", user: { "client-certificate": "a", "client-key": "b" } }] },
        /names a file that cannot be read/,
      ],
    ];
    for (const [config, text] of cases) {
      await Deno.writeTextFile(file, typeof config === "string" ? config : JSON.stringify(config));
      await assert.rejects(
        loadAccess(file),
        (error) => isFault(error) && text.test(error.publicMessage ?? ""),
      );
    }
    await Deno.writeTextFile(file, JSON.stringify(base));
    assert.deepEqual(await loadAccess(file), {
      server: "https://127.0.0.1:1",
      credential: { kind: "token", token: "t" },
    });
  } finally {
    await Deno.remove(file);
  }
});
