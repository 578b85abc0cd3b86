/** The dashboard in a real browser, on the platform of `unkey up`. */
import assert from "node:assert/strict";
import { buildDashboard } from "../../dev/compiling/dashboard.ts";
import { type App, serves } from "../testbed/apps.ts";
import { findChromium, look, TestBrowser } from "../testbed/browser.ts";
import { LocalPlatform } from "../testbed/local.ts";

const CHROMIUM = findChromium();
const DASHBOARD = new URL("../../dist/dashboard", import.meta.url).pathname;

/** Text that would show up as an image, or run, if it ever became markup. */
const HOSTILE = `<img src=x onerror=document.title=1><b>bold</b>`;

const FAILS: App = {
  Dockerfile: `FROM busybox:stable\nRUN echo '${HOSTILE}' && echo 'main.c:7: expected ;' && exit 3`,
};
/** Prints a line when it starts, and goes on to serve. */
const TALKS: App = {
  ...serves("second"),
  Dockerfile: serves("second")["Dockerfile"]?.replace("trap", "echo listening on port; trap") ?? "",
};

async function write(folder: string, app: App): Promise<string> {
  for (const [path, text] of Object.entries(app)) {
    await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${folder}/${path}`, text);
  }
  return folder;
}

Deno.test({
  name: "a person logs in to the dashboard and follows deploys",
  ignore: CHROMIUM === undefined,
  async fn(t) {
    await buildDashboard(DASHBOARD);
    await using platform = await LocalPlatform.create();
    await platform.start();
    await using browser = await TestBrowser.start(CHROMIUM ?? "");
    const page = await browser.open();
    const origin = `http://dashboard.localhost:${platform.apiPort}`;
    const folder = `${platform.directory}/app`;
    const link = async (): Promise<string> => {
      const { stdout } = await platform.unkey(["dashboard", "--print"]);
      return stdout.trim();
    };
    const heading = (name: string): Promise<void> =>
      page.getByRole("heading", { name, exact: true }).waitFor();
    const main = page.locator("main");

    await t.step("a browser without a session is asked to log in", async () => {
      await page.goto(`http://127.0.0.1:${platform.apiPort}/login`);
      assert.equal(page.url(), `${origin}/login`, "moved to the dashboard's own name");
      await heading("Log in");
      await look(page, "login");
      await page.goto(origin);
      await page.getByText("You are logged out.").waitFor();
    });

    await t.step("a link logs in once", async () => {
      const url = await link();
      await page.goto("about:blank");
      await page.goto(url);
      await heading("Overview");
      assert.equal(page.url(), `${origin}/`);
      await page.goto("about:blank");
      await page.goto(url);
      await page.getByText("This link does not work.").waitFor();
      await page.goto(origin);
      await heading("Overview");
      const cookies = await page.context().cookies();
      const seen = cookies.map(({ name, domain, httpOnly, sameSite }) => [name, domain, httpOnly, sameSite]);
      assert.deepEqual(seen, [["__Host-unkey", "dashboard.localhost", true, "Strict"]]);
    });

    let first = "";
    await t.step("a deploy of the command line is watched to its end", async () => {
      await write(folder, TALKS);
      const deploys = platform.deploy([folder, "--project", "app"]);
      deploys.catch(() => undefined); // awaited below
      const row = main.locator("tbody a.id").first();
      await row.waitFor();
      first = await row.innerText();
      await row.click();
      await main.getByText("ready", { exact: true }).waitFor();
      assert.equal((await deploys).id, first);
      await main.getByText("live", { exact: true }).waitFor();
      await main.locator(".log").getByText("listening on port").waitFor();
      await heading("Time");
      assert.ok(await page.locator(".waterfall g.critical").count() > 0);
      await look(page, "deployment");
    });

    await t.step("a failed deploy says why, and what it printed is text", async () => {
      await write(folder, FAILS);
      const { code } = await platform.unkey([
        "deploy",
        folder,
        "--project",
        "app",
        "--env",
        "production",
        "--json",
      ]);
      assert.equal(code, 12);
      await page.goto(origin);
      const badge = main.locator("tbody .badge.bad").first();
      await badge.waitFor();
      await main.locator("tbody a.id").first().click();
      const alert = main.getByRole("alert");
      await alert.locator("strong").getByText("build failed, exit code 3").waitFor();
      await alert.locator("pre").getByText("main.c:7: expected ;").waitFor();
      await main.locator(".log").getByText(HOSTILE, { exact: false }).first().waitFor();
      assert.equal(await page.locator("main img, main b").count(), 0, "no markup");
      assert.match(await page.title(), /^d_\w+ · Unkey$/);
      await page.keyboard.press("/");
      await page.keyboard.type("main.c");
      await main.getByText(/^\d+ of \d+ lines$/).waitFor();
      await look(page, "failed deployment");
    });

    let third = "";
    await t.step("a rollback shows its plan, and then the time that it took", async () => {
      await write(folder, serves("third"));
      ({ id: third } = await platform.deploy([folder, "--project", "app"]));
      await page.goto(`${origin}/deployments/${first}`);
      await page.getByRole("button", { name: "Roll back to this" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText(`Traffic moves from ${third} to ${first}.`).waitFor();
      await dialog.getByText(`unkey rollback ${first}`).waitFor();
      await look(page, "rollback");
      await dialog.getByRole("button", { name: "Roll back to this" }).click();
      await dialog.getByText(new RegExp(`Traffic moved to ${first} in`)).waitFor();
      await page.keyboard.press("Escape");
      await main.getByText("environment rolled back").waitFor();
      const { stdout } = await platform.unkey(["status", first, "--json"]);
      assert.equal(JSON.parse(stdout).live, true, stdout);
      await page.goto(origin);
      await main.getByText("rolled back", { exact: true }).waitFor();
      await look(page, "overview");
    });

    await t.step("a promote ends the rollback, with its plan and its time", async () => {
      await page.goto(`${origin}/deployments/${third}`);
      await page.getByRole("button", { name: "Promote", exact: true }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText(`Traffic moves from ${first} to ${third}.`).waitFor();
      await dialog.getByText("New deployments go live again.").waitFor();
      await dialog.getByRole("button", { name: "Promote", exact: true }).click();
      await dialog.getByText(new RegExp(`Traffic moved to ${third} in`)).waitFor();
      await page.keyboard.press("Escape");
      await main.getByText("live", { exact: true }).waitFor();
      const { stdout } = await platform.unkey(["status", third, "--json"]);
      assert.equal(JSON.parse(stdout).live, true, stdout);
      await page.goto(origin);
    });

    await t.step(
      "a variable is set, and the live deployment is deployed again, by keyboard",
      async () => {
        await main.getByRole("link", { name: "app production" }).click();
        await heading("Variables");
        await page.getByRole("textbox", { name: "Name", exact: true }).fill("GREETING");
        await page.getByLabel("Value", { exact: true }).fill("hello");
        await page.getByRole("button", { name: "Set", exact: true }).first().click();
        await main.getByText("GREETING is set for later deployments.").waitFor();
        await look(page, "environment");
        await page.keyboard.press("Control+k");
        await page.keyboard.type("redeploy");
        const palette = page.getByRole("dialog", { name: "Go to" });
        await palette.getByText(/^unkey redeploy/).first().waitFor();
        await page.keyboard.press("Enter");
        const dialog = page.getByRole("dialog", { name: "Redeploy" });
        await dialog.getByRole("button", { name: "Redeploy", exact: true }).click();
        await dialog.getByRole("link").click();
        await main.getByText("redeploy of", { exact: true }).waitFor();
        await main.getByText("ready", { exact: true }).waitFor();
      },
    );

    // Without --domain the platform has no names of its own; dashboard_pages_test.ts adds a domain.
    await t.step("a domain that the platform cannot take is refused as by the command line", async () => {
      await page.goto(origin);
      await main.getByRole("link", { name: "app production" }).click();
      await page.getByRole("textbox", { name: "Domain", exact: true }).fill("shop.example.com");
      await page.getByRole("button", { name: "Add", exact: true }).click();
      const text = "This platform has no custom domains: its operator has not set --domain-target";
      await main.getByRole("alert").getByText(text).waitFor();
      const { stderr } = await platform.unkey(["domains", "add", "shop.example.com", "--project", "app"]);
      assert.ok(stderr.includes(text), stderr);
    });

    await t.step("a page whose connection is cut at random shows what the command line shows", async () => {
      const prints = `RUN for n in $(seq 20); do echo part $n ${crypto.randomUUID()}; done`;
      await write(folder, { ...TALKS, Dockerfile: `${TALKS["Dockerfile"]}\n${prints}\n` });
      const deploys = platform.deploy([folder, "--project", "app"]);
      deploys.catch(() => undefined); // awaited below
      await page.goto(origin);
      const row = main.locator("tbody .badge.busy").first();
      await row.waitFor();
      await main.locator("tbody a.id").first().click();
      await heading("Output");
      for (let cuts = 0; cuts < 4; cuts++) {
        await page.waitForTimeout(Math.random() * 600);
        await page.context().setOffline(true);
        await page.waitForTimeout(Math.random() * 300);
        await page.context().setOffline(false);
      }
      const { id } = await deploys;
      await main.getByText("ready", { exact: true }).waitFor();
      await main.locator(".log").getByText("listening on port").waitFor();
      await page.getByRole("button", { name: "Build", exact: true }).click();
      const { stdout } = await platform.unkey(["logs", id, "--source", "build", "--json"]);
      const lines = stdout.trim().split("\n").map((each) => String(JSON.parse(each).text));
      assert.ok(lines.some((line) => line.startsWith("part 20 ")), stdout);
      await main.getByText(new RegExp(`^${lines.length} of \\d+ lines$`)).waitFor();
      const shown = await main.locator(".log-line").evaluateAll((all) =>
        all.map((line) => line.lastChild?.textContent ?? "")
      );
      assert.deepEqual(shown, lines.slice(-shown.length));
      assert.ok(shown.length >= 20, "the end of the output is in the document");
      const { stdout: status } = await platform.unkey(["status", id, "--json"]);
      const { status: word, live } = JSON.parse(status);
      assert.deepEqual([word, live], ["ready", await main.getByText("live", { exact: true }).count() === 1]);
    });

    await t.step("a line is found across deployments, as by the command line", async () => {
      await page.getByRole("link", { name: "Logs" }).click();
      await page.getByRole("textbox", { name: "Words" }).fill("listening on port");
      await page.getByRole("button", { name: "Search", exact: true }).click();
      await main.getByText(/^\d+ lines; all of that time was searched\.$/).waitFor();
      const { stdout } = await platform.unkey(["logs", "app", "--search", "listening on port", "--json"]);
      const times = stdout.trim().split("\n").map((each) => Number(JSON.parse(each).time));
      assert.ok(times.length >= 2);
      const hrefs = await main.locator(".log-line .at").evaluateAll((links) =>
        links.map((link) => link.getAttribute("href"))
      );
      const shown = hrefs.map((href) => Number(/line=t(\d+)\./.exec(href ?? "")?.[1]));
      assert.deepEqual(shown, times);
    });

    await t.step("each other page can be read by everybody", async () => {
      for (const name of ["Deployments", "Platform", "Audit", "Keys"]) {
        await page.getByRole("link", { name, exact: true }).click();
        await main.locator("h1").getByText(name).waitFor();
        await look(page, name.toLowerCase());
      }
    });

    await t.step("a revoked session is over within seconds", async () => {
      await page.getByRole("link", { name: "Sessions" }).click();
      await heading("Sessions");
      await look(page, "sessions");
      const other = await browser.open();
      await other.goto(await link());
      await other.getByRole("heading", { name: "Overview" }).waitFor();
      await main.locator("tbody tr").nth(1).waitFor();
      const row = main.locator("tbody tr").filter({ hasNotText: "this one" });
      await row.getByRole("button").click();
      await page.getByRole("button", { name: "Revoke the session" }).click();
      await other.getByText("You are logged out.").waitFor();
      await page.getByRole("button", { name: "Log out" }).click();
      await heading("Log in");
      assert.deepEqual(await page.context().cookies(), []);
      const { stdout } = await platform.unkey(["sessions", "list", "--json"]);
      assert.deepEqual(JSON.parse(stdout), { sessions: [] });
    });

    assert.deepEqual(browser.problems, []);
    const own = [`http://127.0.0.1:${platform.apiPort}`, origin];
    assert.deepEqual([...browser.origins].filter((each) => each !== "null" && !own.includes(each)), []);
  },
});
