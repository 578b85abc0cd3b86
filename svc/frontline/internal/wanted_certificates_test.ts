import assert from "node:assert/strict";
import { createLogger } from "../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../pkg/testkit/manual_clock.ts";
import { WantedCertificates } from "./wanted_certificates.ts";

const SHOP = "shop.apps.test";

interface Bed {
  readonly wanted: WantedCertificates;
  readonly clock: ManualClock;
  /** The questions to the control plane. */
  readonly asked: string[];
  readonly logs: string[];
  /** Names with a certificate. */
  readonly covered: Set<string>;
}

/** An edge with routes for every name below `apps.test`. */
function start(answer: (host: string) => Promise<boolean> = () => Promise.resolve(true)): Bed {
  const asked: string[] = [];
  const logs: string[] = [];
  const covered = new Set<string>();
  const clock = new ManualClock();
  const wanted = new WantedCertificates({
    client: {
      async wantCertificate({ hostname = "" }) {
        asked.push(hostname);
        return { $typeName: "ctrl.v1.WantCertificateResponse", ordered: await answer(hostname) };
      },
    },
    clock,
    log: createLogger({ service: "frontline", level: "debug", write: (line) => void logs.push(line) }),
    isServed: (host) => host.endsWith(".apps.test"),
    covers: (host) => covered.has(host),
  });
  return { wanted, clock, asked, logs, covered };
}

async function isDone(promise: Promise<void> | undefined): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 0));
  return await Promise.race([promise?.then(() => true) ?? true, late]);
}

Deno.test("a certificate is asked for once, and all that wait go on when it comes", async () => {
  const { wanted, asked, covered } = start();
  const waits = [wanted.want(SHOP), wanted.want(SHOP), wanted.want("blog.apps.test")];
  assert.equal(await isDone(waits[0]), false);
  covered.add(SHOP);
  wanted.arrived();
  await Promise.all(waits.slice(0, 2));
  assert.equal(await isDone(waits[2]), false, "another name still waits");
  assert.deepEqual(asked, [SHOP, "blog.apps.test"]);
  assert.equal(wanted.want(SHOP), undefined, "it is there");
});

/** Anybody can send any name: one that leads nowhere must cost nothing. */
Deno.test("a name without a route is never asked for", () => {
  const { wanted, asked } = start();
  assert.equal(wanted.want("stranger.example.com"), undefined);
  assert.deepEqual(asked, []);
});

Deno.test("a certificate that does not come is waited for eight seconds, and asked for again after a minute", async () => {
  const { wanted, clock, asked } = start();
  const wait = wanted.want(SHOP);
  assert.equal(await isDone(wait), false);
  await clock.advance(7_999);
  assert.equal(await isDone(wait), false);
  await clock.advance(1);
  await wait;
  await clock.advance(51_999);
  await wanted.want(SHOP);
  assert.deepEqual(asked, [SHOP], "those who come meanwhile do not wait");
  await clock.advance(1);
  assert.equal(await isDone(wanted.want(SHOP)), false);
  assert.deepEqual(asked, [SHOP, SHOP]);
  await clock.advance(8_000);
});

Deno.test("a certificate that is not ordered, or that cannot be asked for, is not waited for", async () => {
  const refuses = start(() => Promise.resolve(false));
  await refuses.wanted.want(SHOP);
  const away = start(() => Promise.reject(new Error("the control plane is away")));
  await away.wanted.want(SHOP);
  assert.match(away.logs.join(), /a certificate could not be asked for.*the control plane is away/);
});

Deno.test("questions to the control plane at a time are bounded", async () => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const { wanted, asked } = start(() => promise);
  const waits = Array.from({ length: 20 }, (_, index) => wanted.want(`app${index}.apps.test`));
  assert.equal(asked.length, 16);
  assert.equal(waits.filter((wait) => wait === undefined).length, 4);
  resolve(false);
  await Promise.all(waits);
});
