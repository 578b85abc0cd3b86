import assert from "node:assert/strict";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { type Place, type Turn, WakeQueue } from "./queue.ts";
import type { WakeResult } from "./waker.ts";

const ID = "d_1";

/** A queue whose deployment has as many instances as the test says, and whose wake ends when it says so. */
class Bed implements Disposable {
  readonly clock = new ManualClock();
  readonly wakes: { readonly id: string; readonly signal: AbortSignal }[] = [];
  instances = 0;
  leads = true;
  readonly woken = Promise.withResolvers<WakeResult>();
  readonly queue = new WakeQueue({
    clock: this.clock,
    instancesOf: () => this.instances,
    leadsTo: () => this.leads,
    wake: (id, signal) => {
      this.wakes.push({ id, signal });
      return this.woken.promise;
    },
  });

  enter(count = 1, bytes = 10): readonly Place[] {
    const headers = [{ name: "x", lower: "x", value: "v".repeat(bytes) }];
    return Array.from({ length: count }, () => this.queue.enter(ID, { host: "h", target: "/", headers }));
  }

  [Symbol.dispose](): void {
    this.queue.close();
  }
}

/** The turn that is there already, if any. */
async function turnNow({ turn }: Place): Promise<Turn | undefined> {
  return await Promise.race([
    turn,
    new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined))),
  ]);
}

async function detailOf(place: Place | undefined): Promise<string> {
  const turn = place && await turnNow(place);
  return turn?.kind === "fail" ? `${turn.failure.kind}: ${turn.failure.detail}` : turn?.kind ?? "waits";
}

Deno.test("requests wait for one wake, and go a few at a time once an instance is there, in their order", async () => {
  using bed = new Bed();
  const places = bed.enter(10);
  assert.deepEqual(bed.wakes.map(({ id }) => id), [ID]);
  assert.equal(bed.queue.waiting, 10);
  assert.equal(await detailOf(places[0]), "waits");
  bed.instances = 1;
  bed.queue.ready(ID);
  assert.deepEqual(await Promise.all(places.map(detailOf)), [
    ...Array.from({ length: 4 }, () => "go"),
    ...Array.from({ length: 6 }, () => "waits"),
  ]);
  assert.ok(bed.queue.isQueued(ID), "others come after them");
  const [first] = places;
  const turn = first && await first.turn;
  assert.ok(turn?.kind === "go");
  turn.settled();
  turn.settled();
  assert.deepEqual(await Promise.all(places.slice(4).map(detailOf)), [
    ...["go", "go"],
    ...Array.from({ length: 4 }, () => "waits"),
  ], "its place, and one more for a quick answer");
});

Deno.test("the queue is over when its last request has gone, and the wake with it", async () => {
  using bed = new Bed();
  const [place] = bed.enter();
  bed.instances = 1;
  bed.queue.ready(ID);
  assert.equal(await detailOf(place), "go");
  assert.ok(!bed.queue.isQueued(ID));
  assert.ok(bed.wakes[0]?.signal.aborted);
});

Deno.test("a client that goes away frees its place", () => {
  using bed = new Bed();
  const places = bed.enter(2_000);
  const [one] = places;
  one?.leave();
  one?.leave();
  assert.equal(bed.queue.waiting, 1_999);
  for (const each of places) each.leave();
  assert.equal(bed.queue.waiting, 0);
  assert.ok(bed.wakes[0]?.signal.aborted, "nothing waits for it");
});

Deno.test("requests over the bounds of number and bytes are refused, and say so", async () => {
  using bed = new Bed();
  bed.enter(2_000);
  assert.match(await detailOf(bed.enter()[0]), /^waking: .* 2000 requests wait for it already\.$/);
  using other = new Bed();
  other.enter(1_000, 32_768);
  assert.match(
    await detailOf(other.enter(30, 32_768).at(-1)),
    /^waking: .*as many waiting requests as it may/,
  );
});

Deno.test("a request waits for half a minute at most where no instance comes", async () => {
  using bed = new Bed();
  const [early] = bed.enter();
  await bed.clock.advance(20_000);
  const [late] = bed.enter();
  await bed.clock.advance(9_500);
  assert.equal(await detailOf(early), "waits");
  await bed.clock.advance(1_000);
  assert.equal(
    await detailOf(early),
    "waking: The app was asleep, and none of its instances came to run within 30 s.",
  );
  assert.equal(await detailOf(late), "waits");
});

Deno.test("requests of a host name that leads elsewhere are routed anew", async () => {
  using bed = new Bed();
  const places = bed.enter(10);
  bed.leads = false;
  await bed.clock.advance(100);
  assert.deepEqual([...new Set(await Promise.all(places.map(detailOf)))], ["go"]);
});

Deno.test("a deployment that does not sleep is not asked for again at once", async () => {
  using bed = new Bed();
  const [place] = bed.enter();
  assert.ok(bed.queue.mayWake(ID));
  bed.woken.resolve({ kind: "awake" });
  await bed.clock.advance(50);
  assert.equal(await detailOf(place), "go", "it is answered as any other without instances");
  assert.ok(!bed.queue.mayWake(ID));
  await bed.clock.advance(5_500);
  assert.ok(bed.queue.mayWake(ID));
});

Deno.test("waiting requests are answered before the end of a drain, and none waits after it", async () => {
  using bed = new Bed();
  const [place] = bed.enter();
  bed.queue.drain(15_000);
  await bed.clock.advance(13_500);
  assert.equal(await detailOf(place), "waits");
  await bed.clock.advance(1_000);
  assert.match(await detailOf(place), /^waking: .*this edge stops/);
  assert.match(await detailOf(bed.enter()[0]), /^waking: .*this edge stops/);
});
