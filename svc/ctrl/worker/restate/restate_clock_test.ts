import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { RestateClock } from "./restate_clock.ts";

const signal = new AbortController().signal;

async function withServer(
  aheadMs: () => number,
  test: (clock: RestateClock) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, () => {
    const date = new Date(systemClock().now() + aheadMs()).toUTCString();
    return new Response(null, { status: 401, headers: { date } });
  });
  try {
    const adminUrl = `http://127.0.0.1:${server.addr.port}`;
    await test(new RestateClock({ adminUrl }, systemClock(), silentLogger()));
  } finally {
    await server.shutdown();
  }
}

Deno.test("RestateClock follows the date of the server's answers, and a step of it", async () => {
  let aheadMs = 300_000;
  await withServer(() => aheadMs, async (clock) => {
    for (const next of [300_000, -300_000, 60_000]) {
      aheadMs = next;
      await clock.measure(signal);
      assert.ok(Math.abs(clock.aheadMs - next) <= 2_000, `${clock.aheadMs} for ${next}`);
      assert.ok(Math.abs(clock.now() - systemClock().now() - clock.aheadMs) < 1_000);
    }
    aheadMs = 0;
    await clock.measure(signal);
    assert.equal(clock.aheadMs, 0, "a clock that is right is used as it is");
  });
});

Deno.test("RestateClock keeps the last difference while the server does not answer", async () => {
  let kept: RestateClock | undefined;
  await withServer(() => 300_000, async (clock) => {
    await clock.measure(signal);
    kept = clock;
  });
  await kept?.measure(signal);
  assert.ok((kept?.aheadMs ?? 0) > 290_000);
});
