/** Pages of the dashboard in a real browser, on the real api: logs across deployments, and metrics. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { buildDashboard } from "../../dev/compiling/dashboard.ts";
import { newDnsName } from "../../pkg/uid/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { SessionService } from "../../proto/gen/ctrl/v1/session_pb.ts";
import {
  appendLogLines,
  insertInstanceLogs,
  recordRequests,
  recordSwitch,
  recordTraffic,
  timeNsText,
} from "../../svc/ctrl/internal/store/mod.ts";
import { countsOf } from "../../svc/ctrl/internal/traffic/testing.ts";
import { clock, deployImage, type TestApi } from "../../svc/ctrl/services/testing.ts";
import { type Life, setUpLife } from "../../svc/ctrl/services/testing_lifecycle.ts";
import { startDomainsApi, ZONE } from "../../svc/ctrl/services/domain/testing.ts";
import { findChromium, look, TestBrowser } from "../testbed/browser.ts";

const CHROMIUM = findChromium();
const DASHBOARD = new URL("../../dist/dashboard", import.meta.url).pathname;
const LINES = 1_200;
const HOSTILE = `<img src=x onerror=document.title=1>`;

/** Prints lines as an instance does, `secondsAgo` of each before now. */
async function print(
  api: TestApi,
  deploymentId: string,
  lines: readonly { readonly text: string; readonly secondsAgo: number }[],
): Promise<void> {
  const nowMs = clock.now();
  await insertInstanceLogs(
    api.db.kysely,
    deploymentId,
    lines.map(({ text, secondsAgo }, ordinal) => ({
      instance: `shop-${deploymentId.slice(-4).toLowerCase()}`,
      region: "local.dev",
      timeNs: timeNsText(BigInt(nowMs - secondsAgo * 1_000) * 1_000_000n),
      ordinal,
      stream: "stdout",
      text,
    })),
  );
}

/** An hour of requests to two deployments, with a switch from one to the other in the middle. */
async function serve(api: TestApi, { tenant, d1, d2, environmentId }: Life): Promise<void> {
  const nowMs = clock.now();
  await recordRequests(api.db.kysely, [d1, d2]);
  for (let step = 1; step <= 330; step++) {
    const requests = 60 + Math.round(40 * Math.sin(step / 15)) + step % 7;
    const counts = countsOf(requests, {
      responses: [0, requests, step % 11, step % 5, step % 60 === 0 ? 9 : 0],
      sentBytes: requests * 4_000,
      receivedBytes: requests * 300,
      concurrencyMax: 3 + step % 9,
    });
    await recordTraffic(api.db.kysely, {
      processId: "edge-1",
      region: step % 2 === 0 ? "eu" : "us",
      startedAtMs: Math.floor(nowMs / 10_000 - step) * 10_000,
      mark: newDnsName(12),
      deployments: [{ deploymentId: step > 160 ? d1 : d2, counts }],
    });
  }
  await transact(api.db, (tx) =>
    recordSwitch(tx, {
      workspaceId: tenant.workspaceId,
      projectId: tenant.projectId,
      environmentId,
      environmentSlug: "production",
      deploymentId: d2,
      previousDeploymentId: d1,
      cause: "deploy",
      nowMs: nowMs - 1_600_000,
      edgesSinceMs: nowMs,
    }));
}

async function logIn(api: TestApi, page: Page, rootKey: string): Promise<string> {
  const { url } = await api.client(SessionService, rootKey).createLoginLink({});
  await page.goto(url);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  return new URL(url).origin;
}

Deno.test({
  name: "a reader searches the output of deployments, links its lines, and sees requests over time",
  ignore: CHROMIUM === undefined,
  async fn(t) {
    await buildDashboard(DASHBOARD);
    await using world = await startDomainsApi();
    const { api } = world;
    const life = await setUpLife(api);
    const { tenant, d1, d2 } = life;
    await serve(api, life);
    await print(api, d1, [{ text: `ERROR payment refused ${HOSTILE}`, secondsAgo: 7_200 }]);
    const early = Array.from(
      { length: LINES },
      (_, n) => ({ text: `request ${n} done`, secondsAgo: 3_000 - n }),
    );
    await print(api, d2, early);
    await print(api, d2, [{
      text: '{"level":"error","msg":"refused by the bank","order":7}',
      secondsAgo: 60,
    }]);
    await using browser = await TestBrowser.start(CHROMIUM ?? "");
    const page = await browser.open();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const origin = await logIn(api, page, tenant.rootKey);
    const [main, log] = [page.locator("main"), page.locator(".log")];
    const copied = async (): Promise<string> => {
      await page.getByRole("button", { name: "Copy link", exact: true }).click();
      await page.getByText("Copied.").waitFor({ state: "attached" });
      return String(await page.evaluate("navigator.clipboard.readText()"));
    };

    await t.step("words and a level find lines of two deployments, oldest first, and no markup", async () => {
      await page.getByRole("link", { name: "Logs" }).click();
      await page.getByRole("heading", { name: "Logs" }).waitFor();
      await main.getByText(`500 lines; searched back to`).waitFor();
      await page.getByLabel("Words").fill("refused");
      await page.getByLabel("Level").selectOption("error");
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Search", exact: true }).click();
      await main.getByText("2 lines; all of that time was searched.").waitFor();
      const lines = await log.locator(".log-line").allInnerTexts();
      assert.match(lines[0] ?? "", /payment refused <img/);
      assert.match(lines[1] ?? "", /refused by the bank/);
      assert.equal(await page.locator("main img").count(), 0);
      assert.match(page.url(), /\/logs\?project=proj_\w+&search=refused&level=error$/);
      await main.getByText("unkey logs shop --search refused --level error").waitFor();
      await look(page, "logs");
    });

    await t.step("a line is selected with the keyboard, shown in whole, and found by its link", async () => {
      await log.focus();
      await page.keyboard.press("j");
      await page.keyboard.press("k");
      await page.keyboard.press("j");
      const whole = page.getByRole("group", { name: "Selected line" });
      await whole.getByText('"order": 7').waitFor();
      await look(page, "selected line");
      const link = await copied();
      await page.goto(link);
      await whole.getByText('"order": 7').waitFor();
      assert.equal(await log.locator(".selected").count(), 1);
      await whole.getByRole("link", { name: "Lines around it" }).click();
      await whole.getByText('"order": 7').waitFor();
      await log.getByText("request 1199 done").waitFor();
      await page.keyboard.press("Escape");
    });

    await t.step("earlier output is searched without a jump, and new output is followed", async () => {
      await page.goto(`${origin}/logs?deployment=${d2}`);
      await main.getByText("500 lines; searched back to").waitFor();
      await log.evaluate((box) => void (box.scrollTop = 0));
      const first = log.getByText("request 701 done");
      await first.waitFor();
      const before = await first.boundingBox();
      await page.getByRole("button", { name: "Search earlier output" }).click();
      await main.getByText("1000 lines; searched back to").waitFor();
      assert.deepEqual(await first.boundingBox(), before, "the reader's place stays");
      await page.getByRole("button", { name: "To the end" }).click();
      await page.getByRole("button", { name: "Follow" }).click();
      await print(api, d2, [{ text: "a new line", secondsAgo: 0 }]);
      await log.getByText("a new line").waitFor();
      await main.getByText("1001 lines").waitFor();
    });

    await t.step(
      "a line of a build has a link in its deployment, and an old one of an instance in the search",
      async () => {
        const building = await deployImage(api, tenant);
        const lines = Array.from({ length: 300 }, (_, n) => `step ${n}`);
        await transact(
          api.db,
          (tx) => appendLogLines(tx, building, { source: "build", origin: "RUN make", lines }, clock.now()),
        );
        await page.goto(`${origin}/deployments/${building}`);
        await main.getByText("300 lines").waitFor();
        await log.evaluate((box) => void (box.scrollTop = 0));
        await log.locator(".log-line", { hasText: "step 7" }).first().locator("a").click();
        const whole = page.getByRole("group", { name: "Selected line" });
        await whole.getByText("step 7", { exact: true }).waitFor();
        const link = await copied();
        assert.match(link, /\/deployments\/d_\w+\?line=e\d+\.7$/);
        await page.goto("about:blank");
        await page.goto(link);
        await whole.getByText("step 7", { exact: true }).waitFor();
        await log.locator(".selected", { hasText: "step 7" }).waitFor();
        await page.goto(`${origin}/deployments/${d2}?line=t${clock.now() - 86_400_000}.abc`);
        await main.getByRole("link", { name: "Look for it in all output" }).click();
        await main.getByText("The line of the link was not found").waitFor();
      },
    );

    await t.step(
      "requests are shown over time as charts and as a table, by mouse and by keyboard",
      async () => {
        await page.goto(origin);
        await main.getByRole("link", { name: "shop production" }).first().click();
        await main.getByRole("link", { name: "Metrics" }).click();
        await main.getByText(/requests of 2 deployments, in steps of 10 s$/).waitFor();
        const plots = page.locator(".plot canvas");
        await plots.nth(4).waitFor();
        await look(page, "metrics");
        const chart = page.getByRole("img", { name: /^Latency: p50 / });
        await chart.focus();
        await page.keyboard.press("End");
        await page.keyboard.press("ArrowLeft");
        await main.getByText(/^From .+ on$/).waitFor();
        const point = page.locator(".u-cursor-x").first();
        await point.waitFor();
        await page.keyboard.press("Escape");
        await main.getByText("All numbers as a table").click();
        assert.ok(await main.locator("details tbody tr").count() > 300);
        await main.getByText("unkey metrics --all --project shop --env production --since 1h").waitFor();
        await main.getByRole("link", { name: "eu", exact: true }).click();
        await main.getByText(/requests of 2 deployments, in steps of 10 s$/).waitFor();
        assert.match(page.url(), /\/metrics\?region=eu$/);
        const { total } = await api.client(DeploymentService, tenant.rootKey)
          .getTraffic({ projectId: tenant.projectId, environmentSlug: "production", region: "eu" });
        await main.getByText(`${total?.requests} requests of 2 deployments`).waitFor();
      },
    );

    await t.step("the palette goes to a deployment and begins its acts, by keyboard only", async () => {
      const palette = page.getByRole("dialog", { name: "Go to" });
      await page.keyboard.press("Control+k");
      await page.keyboard.type(`shop ${d1}`);
      await palette.getByRole("option", { name: d1 }).waitFor();
      await look(page, "palette");
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Roll back to this" }).waitFor();
      assert.equal(page.url(), `${origin}/deployments/${d1}`);
      await page.keyboard.press("Control+k");
      await page.keyboard.type("promote");
      await palette.getByText(`unkey promote ${d1}`).first().waitFor();
      await page.keyboard.press("Enter");
      await page.getByRole("dialog").getByText(`Promote: ${d1}`).waitFor();
      await page.keyboard.press("Escape");
    });

    await t.step("a domain that is added shows the record to set, and is the command line's", async () => {
      await page.goto(`${origin}/environments/${tenant.projectId}/production`);
      const hostname = `shop.${ZONE}`;
      await page.getByRole("textbox", { name: "Domain", exact: true }).fill(hostname);
      await page.getByRole("button", { name: "Add", exact: true }).click();
      await main.getByRole("region", { name: hostname, exact: true }).getByText("cname.apps.test").waitFor();
      await look(page, "environment");
      const scope = { projectId: tenant.projectId, environmentSlug: "production" };
      const { domains } = await world.domains(tenant.rootKey).listCustomDomains(scope);
      assert.deepEqual(domains.map(({ domain }) => domain), [hostname]);
    });

    await t.step("a login link leads to its page", async () => {
      const other = await browser.open();
      const { url } = await api.client(SessionService, tenant.rootKey).createLoginLink({});
      await other.goto(`${url}&to=${encodeURIComponent(`/logs?deployment=${d1}`)}`);
      await other.locator(".log").getByText("payment refused").waitFor();
      assert.equal(other.url(), `${origin}/logs?deployment=${d1}`);
    });
    assert.deepEqual(browser.problems, []);
    assert.deepEqual([...browser.origins].filter((each) => each !== "null" && each !== origin), []);
  },
});
