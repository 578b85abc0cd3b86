/** The output of a deployment in a real browser, with as many lines as a page keeps. */
import assert from "node:assert/strict";
import { buildDashboard } from "../../dev/compiling/dashboard.ts";
import { transact } from "../../pkg/db/mod.ts";
import { SessionService } from "../../proto/gen/ctrl/v1/session_pb.ts";
import { appendLogLines } from "../../svc/ctrl/internal/store/mod.ts";
import { clock, deployImage, startApi } from "../../svc/ctrl/services/testing.ts";
import { quantile } from "../bench/row.ts";
import { findChromium, TestBrowser } from "../testbed/browser.ts";

const CHROMIUM = findChromium();
const DASHBOARD = new URL("../../dist/dashboard", import.meta.url).pathname;
const PARTS = 50;
const LINES_OF_PART = 1_990;
const LINES = PARTS * LINES_OF_PART;

/** Jumps through the output, one place in each frame, and gives the time of each frame in milliseconds. */
const JUMPS = `new Promise((done) => {
  const [box, times] = [document.querySelector(".log"), []];
  let before = performance.now();
  const jump = (now) => {
    times.push(now - before);
    before = now;
    if (times.length > 120) return done(times.slice(1));
    box.scrollTop = (times.length * 7919 % 100) / 100 * box.scrollHeight;
    requestAnimationFrame(jump);
  };
  requestAnimationFrame(jump);
})`;

Deno.test({
  name: "a page with nearly 100,000 lines follows, searches and jumps, with few of them in the document",
  ignore: CHROMIUM === undefined,
  async fn(t) {
    await buildDashboard(DASHBOARD);
    await using api = await startApi();
    const tenant = await api.tenant("acme");
    const id = await deployImage(api, tenant);
    const print = (lines: readonly string[]): Promise<number> =>
      transact(
        api.db,
        (tx) => appendLogLines(tx, id, { source: "build", origin: "RUN make", lines }, clock.now()),
      );
    for (let part = 0; part < PARTS; part++) {
      await print(Array.from({ length: LINES_OF_PART }, (_, n) => `line ${part * LINES_OF_PART + n} `));
    }
    await using browser = await TestBrowser.start(CHROMIUM ?? "");
    const page = await browser.open();
    const { url } = await api.client(SessionService, tenant.rootKey).createLoginLink({});
    await page.goto(url);
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.goto(`${new URL(url).origin}/deployments/${id}`);
    const [log, main] = [page.locator(".log"), page.locator("main")];
    const inDocument = async (): Promise<void> => assert.ok(await log.locator(".log-line").count() < 120);

    await t.step("the end is followed, also as lines are added", async () => {
      await main.getByText(`${LINES} lines`).waitFor();
      await log.getByText(`line ${LINES - 1} `).waitFor();
      await print(["one more line"]);
      await log.getByText("one more line").waitFor();
      await inDocument();
    });

    const measured: unknown = await page.evaluate(JUMPS);
    assert.ok(Array.isArray(measured));
    const frames = measured.map(Number);
    const [p50, p95] = [0.5, 0.95].map((share) => quantile(frames, share));
    // In the name, since deno shows no output of tests when it is quiet.
    await t.step(`a jump takes p50 ${p50?.toFixed(1)} ms, p95 ${p95?.toFixed(1)} ms`, async () => {
      assert.equal(frames.length, 120);
      await inDocument();
    });

    await t.step("the place of a reader who scrolls up stays, with a way back to the end", async () => {
      await log.evaluate((box) => void (box.scrollTop = 0));
      await log.getByText("line 0 ").waitFor();
      await print(["while away"]);
      await main.getByRole("button", { name: "1 new line" }).click();
      await log.getByText("while away").waitFor();
    });

    await t.step(
      "a line keeps its element while it can be seen, and a jump takes the elements along",
      async () => {
        await log.evaluate((box) => void (box.scrollTop = 20_000));
        const line = log.locator(".log-line", { hasText: "line 1010 " });
        await line.waitFor();
        const element = await line.elementHandle();
        assert.ok(element !== null);
        const state = (): Promise<unknown> =>
          element.evaluate((each) => [each.isConnected, each.textContent.includes("line 1010 ")]);
        await log.evaluate((box) => void (box.scrollTop = 20_060));
        await log.getByText("line 1013 ").waitFor();
        assert.deepEqual(await state(), [true, true]);
        await log.evaluate((box) => void (box.scrollTop = 800_000));
        await log.getByText("line 40010 ").waitFor();
        assert.deepEqual(await state(), [true, false]);
      },
    );

    await t.step("a search finds a line", async () => {
      await page.keyboard.press("/");
      await page.keyboard.type("LINE 12345 ");
      await main.getByText(`1 of ${LINES + 2} lines`).waitFor();
      await log.getByText("line 12345 ").waitFor();
    });
    assert.deepEqual(browser.problems, []);
  },
});
