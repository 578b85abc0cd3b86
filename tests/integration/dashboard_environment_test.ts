/** The page of an environment in a real browser, on the real api: gradual switches, scaling, crons and protection. */
import assert from "node:assert/strict";
import { buildDashboard } from "../../dev/compiling/dashboard.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { CronService } from "../../proto/gen/ctrl/v1/cron_pb.ts";
import { EnvironmentService, Protection } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { SessionService } from "../../proto/gen/ctrl/v1/session_pb.ts";
import { holdCrons } from "../../svc/ctrl/internal/crons/mod.ts";
import {
  changeScale,
  findDeployment,
  findEnvironment,
  listScaled,
} from "../../svc/ctrl/internal/store/mod.ts";
import { clock, eventually, move, place, startApi, type TestApi } from "../../svc/ctrl/services/testing.ts";
import { REGION } from "../../svc/ctrl/services/testing_agents.ts";
import { writeGradual } from "../../svc/ctrl/services/testing_gradual.ts";
import { type Life, setLive, setUpLife } from "../../svc/ctrl/services/testing_lifecycle.ts";
import { findChromium, look, TestBrowser } from "../testbed/browser.ts";
import { app, startEdge } from "./frontline_edge.ts";
import { serve } from "./served_app.ts";

const CHROMIUM = findChromium();
const DASHBOARD = new URL("../../dist/dashboard", import.meta.url).pathname;
const HOSTILE = `<img src=x onerror=document.title=1>`;

/** Makes a deployment with a cron the live one, which runs a hostile command. */
async function liveWithCron(api: TestApi, { tenant, client, d2, environmentId }: Life): Promise<string> {
  const { deploymentId: id } = await client.createDeployment({
    projectId: tenant.projectId,
    environmentSlug: "production",
    source: { case: "dockerImage", value: "nginx:1.29" },
    app: { crons: [{ name: "cleanup", schedule: "30 2 * * *", command: ["rm", HOSTILE] }] },
  });
  await place(api, tenant, id, REGION);
  await move(api, id, "ready");
  await setLive(api, environmentId, d2, id);
  await transact(api.db, async (tx) => {
    const environment = await findEnvironment(tx, tenant.workspaceId, environmentId);
    const deployment = await findDeployment(tx, id);
    assert.ok(environment !== undefined && deployment !== undefined);
    await holdCrons(tx, environment, deployment, clock.now());
  });
  return id;
}

/** More instances, as the loop of the worker orders them. */
async function scaleUp(api: TestApi, { tenant }: Life, deploymentId: string): Promise<void> {
  const [scaled] = await listScaled(api.db.kysely, [deploymentId]);
  assert.ok(scaled !== undefined);
  assert.ok(
    await transact(api.db, (tx) =>
      changeScale(tx, {
        deploymentId,
        workspaceId: tenant.workspaceId,
        region: REGION,
        from: 1,
        to: 3,
        settings: scaled.settings,
        direction: "up",
        reason: "142 requests at a time, with a target of 50 per instance",
        nowMs: clock.now(),
      })),
  );
}

Deno.test({
  name: "a person scales an environment, acts on its gradual switch and crons, and protects a preview",
  ignore: CHROMIUM === undefined,
  async fn(t) {
    await buildDashboard(DASHBOARD);
    await using api = await startApi();
    const life = await setUpLife(api);
    const { tenant, d3, client, calls } = life;
    const { projectId, rootKey } = tenant;
    const live = await liveWithCron(api, life);
    api.workflows.onGradual = (id, order) => {
      const nowMs = clock.now();
      const changes = { former_deployment_id: live, created_at: nowMs, step_started_at: nowMs };
      return writeGradual(api, tenant, { id, order, changes });
    };
    const where = { projectId, environmentSlug: "production" };

    await using browser = await TestBrowser.start(CHROMIUM ?? "");
    const page = await browser.open();
    const { url } = await api.client(SessionService, rootKey).createLoginLink({});
    await page.goto(url);
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    const origin = new URL(url).origin;
    const main = page.locator("main");
    const dialog = page.getByRole("dialog");
    /** Begins an act by its button, sees the command, and confirms it. */
    const act = async (button: string, command: string, confirmed = button): Promise<void> => {
      await main.getByRole("button", { name: button, exact: true }).click();
      await dialog.getByText(command, { exact: true }).waitFor();
      await dialog.getByRole("button", { name: confirmed, exact: true }).click();
    };
    await page.goto(`${origin}/environments/${projectId}/production`);

    await t.step("scaling by the load is set, and each change shows its reason", async () => {
      await page.getByRole("textbox", { name: "Most instances" }).fill("5");
      await page.getByRole("textbox", { name: "Requests at a time" }).fill("50");
      await main.getByText("unkey scale production --project shop --max 5 --target-concurrency 50").waitFor();
      await page.getByRole("form", { name: "Scale by the load" }).getByRole("button", { name: "Set" })
        .click();
      await main.getByText("1 to 5 in each region, for 50 requests at a time").first().waitFor();
      const { settings } = await api.client(EnvironmentService, rootKey).getAppSettings(where);
      assert.deepEqual([settings?.scaling?.max, settings?.scaling?.concurrency], [5, 50]);
      await scaleUp(api, life, live);
      await main.getByText("From 1 to 3 instances.").waitFor();
      await main.getByText("142 requests at a time, with a target of 50").waitFor();
    });

    await t.step("a gradual switch is begun, goes to its next step, and is aborted", async () => {
      await page.goto(`${origin}/deployments/${d3}`);
      await act("Promote in steps", `unkey promote ${d3} --gradual`);
      await dialog.getByText(`${d3} gets 10 % of the requests.`).waitFor();
      await page.keyboard.press("Escape");
      const { gradualSwitches: [begun] } = await client.listGradualSwitches(where);
      assert.deepEqual([begun?.toDeploymentId, begun?.everyMs], [d3, 120_000n]);
      await page.goto(`${origin}/environments/${projectId}/production`);
      await main.getByText("gets 10 % of the requests").waitFor();
      await look(page, "environment with a gradual switch");
      assert.equal(await page.locator("main img").count(), 0, "no markup");
      await act("Next step", `unkey promote ${d3} --next`);
      await dialog.waitFor({ state: "detached" });
      await act("Abort", `unkey promote ${d3} --abort`);
      await dialog.waitFor({ state: "detached" });
      assert.deepEqual(calls.slice(-2), [`advance ${begun?.id}`, `abort ${begun?.id}`]);
    });

    await t.step("a cron is paused and resumed, and its runs are shown", async () => {
      const crons = api.client(CronService, rootKey);
      const paused = async (): Promise<boolean> => (await crons.listCrons(where)).crons[0]?.pausedAt !== 0n;
      const row = main.getByRole("row").filter({ hasText: "30 2 * * *" });
      await row.getByText(/^in \d+ (h|min|s)$/).waitFor();
      await act("Pause cleanup", "unkey crons pause cleanup --project shop --env production", "Pause");
      await row.getByText("paused", { exact: true }).waitFor();
      assert.equal(await paused(), true);
      await act("Resume cleanup", "unkey crons resume cleanup --project shop --env production", "Resume");
      await row.getByText(/^in \d+ (h|min|s)$/).waitFor();
      assert.equal(await paused(), false);
      await act("Run now: cleanup", "unkey run --cron cleanup --project shop --env production", "Run now");
      await main.getByRole("region", { name: "Last runs of crons" }).getByText("starting").waitFor();
      const { runs: [run] } = await client.listRuns({ cron: "cleanup" });
      assert.deepEqual([run?.deploymentId, run?.command], [live, ["rm", HOSTILE]]);
      await look(page, "environment with crons");
    });

    await t.step("a preview is protected, and its visitors come by the password or by a link", async () => {
      const shop = app("the shop");
      await using edge = startEdge(api.url, { controlPlaneBearer: new Secret(await api.regionToken("*")) });
      try {
        const hostname = "preview.localhost";
        await serve(api, tenant, { environment: "preview", hostname, port: shop.port });
        await edge.ready;
        await page.goto(`${origin}/environments/${projectId}/preview`);
        await main.getByText("Everybody may see it.").waitFor();
        await act("Set a password", "unkey protect preview --project shop");
        await dialog.getByText("The password is shown this once:").waitFor();
        await look(page, "password that was made");
        const password = await dialog.locator(".bar code").innerText();
        await page.keyboard.press("Escape");
        await main.getByText("Visitors give a password of this environment.").waitFor();
        await act("Make a link", "unkey share preview --project shop");
        const link = new URL(await dialog.locator(".address a").innerText());
        await page.keyboard.press("Escape");

        const visitor = await browser.open();
        const place = `http://${hostname}:${edge.port}`;
        const asked = async (): Promise<boolean> => (await visitor.goto(`${place}/a?b`))?.status() === 401;
        await eventually("the preview is protected", asked);
        await visitor.getByRole("heading", { name: "Password needed" }).waitFor();
        await look(visitor, "page that asks for a password");
        const field = visitor.getByLabel("Password", { exact: true });
        await field.fill("not it");
        await visitor.getByRole("button", { name: "Continue" }).click();
        await visitor.getByRole("alert").getByText("The password is not right.").waitFor();
        await look(visitor, "page after a wrong password");
        await field.fill(password);
        await visitor.keyboard.press("Enter");
        await visitor.getByText("the shop").waitFor();
        assert.equal(visitor.url(), `${place}/a?b`);
        const guest = await browser.open();
        await guest.goto(`${place}${link.pathname}${link.search}`);
        await guest.getByText("the shop").waitFor();
        assert.doesNotMatch(guest.url(), /unkey_share/);

        await act("End all links", "unkey share preview --project shop --revoke-all");
        await dialog.getByText("The links of preview have ended.").waitFor();
        await page.keyboard.press("Escape");
        await eventually("the cookie has ended", asked);
        await act("Let everybody see it", "unkey protect preview --project shop --off");
        await main.getByText("Everybody may see it.").waitFor();
        const { environments } = await api.client(AdminService, rootKey).listEnvironments({ projectId });
        assert.ok(environments.every(({ protection }) => protection === Protection.UNSPECIFIED));
        await eventually("the preview is open", async () => !(await asked()));
        await visitor.getByText("the shop").waitFor();
      } finally {
        await shop.stop();
      }
    });
    assert.deepEqual(browser.problems, []);
  },
});
