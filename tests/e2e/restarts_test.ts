/** Requests to a live app while each part of the platform dies, restarts or is cut off: which of them fail, and why. */
import assert from "node:assert/strict";
import { mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { CuttableWay } from "../chaos/cuttable.ts";
import { serves } from "../testbed/apps.ts";
import { Lanes } from "../testbed/lanes.ts";
import { answers, Testbed, writeApp } from "../testbed/testbed.ts";
import { eventually } from "../testbed/wait.ts";

const REQUESTS = 10_000;
const LANES = 4;
/** Requests that are made while a part is away. */
const REQUESTS_AWAY = 300;

/** Request ids differ. */
const REQUEST_ID = /req_\w+/;

/** One thing that happens to the platform, and the requests of its time. */
interface Event {
  readonly name: string;
  readonly asked: number;
  /** Number of failures by their texts. */
  readonly failures: ReadonlyMap<string, number>;
}

/** Counts the failures of one event after another. */
class Watch {
  readonly events: Event[] = [];
  readonly lanes: Lanes;
  #failures = new Map<string, number>();

  constructor(port: number, url: string, version: string) {
    const onFailure = (failure: string): void => {
      const text = failure.replace(REQUEST_ID, "req_");
      this.#failures.set(text, (this.#failures.get(text) ?? 0) + 1);
    };
    this.lanes = new Lanes({ port, url, lanes: LANES, pauseMs: 2, version: new RegExp(version), onFailure });
  }

  /** Runs what happens, and goes on until the requests of its time have their answers. */
  async during(name: string, happens: () => Promise<void>): Promise<void> {
    const before = this.lanes.asked;
    this.#failures = new Map();
    await happens();
    await this.more(REQUESTS_AWAY);
    this.events.push({ name, asked: this.lanes.asked - before, failures: this.#failures });
  }

  async more(count: number): Promise<void> {
    const goal = this.lanes.asked + count;
    await eventually(`${count} more requests`, () => this.lanes.asked >= goal);
  }
}

Deno.test("requests fail only on the edge's own connections while every part restarts", async (t) => {
  const server = await mysqlServer();
  const schema = await server?.createSchema();
  assert.ok(schema, "a MySQL-compatible server is installed");
  const direct = new URL(schema.url.reveal());
  await using way = new Way(Number(direct.port));
  direct.port = String(way.port);
  try {
    await using bed = await Testbed.start({ databaseUrl: direct.href });
    const { slug } = await bed.project("restarts");
    const url = await deployed(bed, slug, "steady");
    const watch = new Watch(bed.ports.edge, url, "steady");
    try {
      await restartAll(bed, watch);
      await watch.during("the database is cut off", async () => {
        way.cut();
        await watch.more(REQUESTS_AWAY);
        way.mend();
      });
      await watch.during("a deploy of another app", async () => {
        await bed.project("other");
        await deployed(bed, "other", "other app");
      });
      await watch.more(Math.max(0, REQUESTS - watch.lanes.asked));
    } finally {
      await watch.lanes.stop();
    }
    // deno-lint-ignore no-console -- the report that the test is for
    console.log(report(watch.events));
    for (const { name, failures } of watch.events) {
      await t.step(`requests while ${name}`, () => {
        // The edge carries the requests: those of its connections end with it, and until it is back none is taken.
        const foreign = [...failures.keys()].filter((text) =>
          !name.startsWith("the edge") || !/ECONNREFUSED|ECONNRESET|socket hang up/.test(text)
        );
        assert.deepEqual(foreign, []);
      });
    }
    assert.ok(watch.lanes.asked >= REQUESTS);
  } finally {
    await schema.drop();
  }
});

async function restartAll(bed: Testbed, watch: Watch): Promise<void> {
  for (const name of ["api", "worker", "krane", "restate", "edge"] as const) {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      await watch.during(`the ${name} ends by ${signal} and starts again`, async () => {
        await bed.parts[name].kill(signal);
        if (name !== "edge") await watch.more(REQUESTS_AWAY);
        await bed.parts[name].start();
      });
    }
  }
}

async function deployed(bed: Testbed, slug: string, text: string): Promise<string> {
  const folder = await writeApp(bed, serves(text));
  const result = await bed.unkey(["deploy", folder, "--project", slug, "--env", "production", "--json"]);
  assert.equal(result.code, 0, `${result.stdout}\n${result.stderr}`);
  const { urls: [url] } = JSON.parse(result.stdout);
  await answers(bed, url, text);
  return url;
}

function report(events: readonly Event[]): string {
  const lines = events.map(({ name, asked, failures }) => {
    const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
    const texts = [...failures].map(([text, count]) => `${count} x ${text}`).join("; ");
    return `${String(asked).padStart(8)} ${String(failed).padStart(6)}  ${name}${texts && `: ${texts}`}`;
  });
  return ["requests failed  while", ...lines].join("\n");
}

class Way extends CuttableWay implements AsyncDisposable {
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
