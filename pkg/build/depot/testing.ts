import assert from "node:assert/strict";
import { createLogger } from "../../logger/mod.ts";
import { TestDepot, type TestDepotMachine, type TestDepotOptions } from "../../testkit/depot.ts";
import { ManualClock } from "../../testkit/manual_clock.ts";
import { type Depot, type DepotOptions, openDepot } from "./mod.ts";

export const MACHINE: TestDepotMachine = {
  address: "tcp://127.0.0.1:1234",
  serverName: "machine.depot.test",
  ca: "the authority",
  cert: "the certificate",
  key: "the key",
};

/** Far more than any test takes. */
const DEADLINE_MS = 60_000;

/** A double with a client whose clock stands still until `until` moves it. */
export class Bench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly lines: string[] = [];
  readonly depot: Depot;
  readonly server: TestDepot;

  private constructor(server: TestDepot, options: Partial<DepotOptions>) {
    this.server = server;
    this.depot = openDepot({
      token: server.token,
      apiUrl: server.url,
      clock: this.clock,
      log: createLogger({ service: "test", level: "debug", write: (line) => this.lines.push(line) }),
      ...options,
    });
  }

  static async start(
    server: Partial<TestDepotOptions> = {},
    client: Partial<DepotOptions> = {},
  ): Promise<Bench> {
    return new Bench(await TestDepot.start({ machine: MACHINE, ...server }), client);
  }

  /** Moves the clock on until the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS;
    while (!condition()) {
      assert.ok(performance.now() < deadline, `not in time: ${condition}`);
      await this.clock.advance(500);
    }
  }

  /** The result of a promise, with the clock moved on until it has one. */
  async settled<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
    let result: PromiseSettledResult<T> | undefined;
    const waiting = Promise.allSettled([promise]).then(([each]) => result = each);
    await this.until(() => result !== undefined);
    return await waiting;
  }

  async value<T>(promise: Promise<T>): Promise<T> {
    const result = await this.settled(promise);
    if (result.status === "rejected") throw result.reason;
    return result.value;
  }

  async reason(promise: Promise<unknown>): Promise<unknown> {
    const result = await this.settled(promise);
    return result.status === "rejected" ? result.reason : assert.fail("the promise must reject");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}
