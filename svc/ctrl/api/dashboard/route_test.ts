/** The dashboard's page and files over the wire. */
import assert from "node:assert/strict";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { buildDashboard } from "../../../../dev/compiling/dashboard.ts";
import { DashboardSite } from "../../internal/auth/site.ts";
import { openDashboardFiles } from "./files.ts";
import { dashboardRoute } from "./route.ts";

const SITE = new DashboardSite(() => "http://dashboard.localhost:7091");
/** The first page may have so many bytes, compressed. */
const PAGE_BYTES_MAX = 100_000;

async function withFiles(
  test: (
    ask: (path: string, init?: RequestInit, origin?: string) => Promise<Response | undefined>,
  ) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-dashboard-" });
  try {
    assert.equal(await buildDashboard(folder), true);
    assert.equal(await buildDashboard(folder), false, "built once for the same sources");
    const route = dashboardRoute({ site: SITE, files: openDashboardFiles([new URL(`file://${folder}/`)]) });
    await test((path, init, origin = SITE.origin) => route(new Request(`${origin}${path}`, init)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the dashboard is served with a strict policy, compressed, and within its budget", async (t) => {
  await withFiles(async (ask) => {
    const page = await ask("/deployments/d_1", { headers: { "accept-encoding": "gzip;q=1.0, deflate" } });
    assert.ok(page?.status === 200);
    const html = gunzipSync(await page.bytes()).toString();
    const names = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, name = ""]) => name);

    await t.step("the page is never kept, and allows nothing from elsewhere", () => {
      const policy = page.headers.get("content-security-policy") ?? "";
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; /);
      assert.match(
        policy,
        /frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'$/,
      );
      assert.ok(!/unsafe|http:|https:|\*/.test(policy));
      const headers = [
        "cache-control",
        "x-content-type-options",
        "referrer-policy",
        "cross-origin-opener-policy",
      ];
      const values = headers.map((name) => page.headers.get(name));
      assert.deepEqual(values, ["no-store", "nosniff", "no-referrer", "same-origin"]);
      assert.equal(page.headers.get("cross-origin-resource-policy"), "same-origin");
      assert.equal(page.headers.get("access-control-allow-origin"), null);
      assert.ok(!/<script>|<style>| style=| on\w+=/.test(html), "no code or style in the page itself");
    });

    await t.step("each page has its address", async () => {
      for (
        const path of [
          "/",
          "/login",
          "/sessions",
          "/keys",
          "/audit",
          "/deployments",
          "/logs?search=a%20b",
          "/platform",
          "/environments/proj_1a/pre-view",
          "/environments/proj_1a/pre-view/metrics?since=1d",
        ]
      ) {
        assert.equal((await ask(path))?.status, 200, path);
      }
    });

    await t.step("its files are named by their content and kept for good", async () => {
      assert.equal(names.length, 3);
      let bytes = Number(page.headers.get("content-length"));
      for (const name of names) {
        const file = await ask(name, { headers: { "accept-encoding": "gzip" } });
        assert.equal(file?.headers.get("cache-control"), "public, max-age=31536000, immutable");
        assert.equal(file?.headers.get("content-encoding"), "gzip");
        bytes += (await file?.bytes())?.length ?? 0;
      }
      assert.ok(bytes <= PAGE_BYTES_MAX, `${bytes} bytes`);
    });

    await t.step("the code of charts is a file of its own, which the first page leaves out", async () => {
      const script = await ask(names.find((name) => name.endsWith(".js")) ?? "");
      const [, part = ""] = /import\("\.\/(plot-[0-9A-Z]{8}\.js)"\)/.exec(await script?.text() ?? "") ?? [];
      const file = await ask(`/assets/${part}`, { headers: { "accept-encoding": "gzip" } });
      assert.equal(file?.headers.get("cache-control"), "public, max-age=31536000, immutable");
      const bytes = (await file?.bytes())?.length ?? 0;
      assert.ok(bytes > 10_000 && bytes < 30_000, `${bytes} bytes`);
    });

    await t.step("each encoding has the same content", async () => {
      const script = names.find((name) => name.endsWith(".js")) ?? "";
      const plain = await (await ask(script))?.bytes();
      const brotli = await ask(script, { headers: { "accept-encoding": "gzip, br" } });
      assert.equal(brotli?.headers.get("content-encoding"), "br");
      assert.deepEqual(new Uint8Array(brotliDecompressSync(await brotli?.bytes() ?? "")), plain);
      const refused = await ask(script, { headers: { "accept-encoding": "br;q=0, identity" } });
      assert.equal(refused?.headers.get("content-encoding"), null);
      await refused?.body?.cancel();
      const head = await ask(script, { method: "HEAD" });
      assert.deepEqual([head?.body, head?.headers.get("content-length")], [null, String(plain?.length)]);
    });

    await t.step("another host name is sent to the dashboard's own, without a cookie", async () => {
      for (const origin of ["http://127.0.0.1:7091", "http://localhost:7091", "http://evil.example:7091"]) {
        const moved = await ask("/sessions?a=1", {}, origin);
        assert.deepEqual([moved?.status, moved?.headers.get("location")], [
          307,
          `${SITE.origin}/sessions?a=1`,
        ]);
        assert.equal(moved?.headers.get("set-cookie"), null);
      }
    });

    await t.step("other paths are left to other routes", async () => {
      for (
        const path of [
          "/v2/deploy.create",
          "/health/ready",
          "/deployments/",
          "/deployments/../x",
          "/environments/shop/production",
          "/index.html",
        ]
      ) {
        assert.equal(await ask(path), undefined, path);
      }
      for (const path of ["/assets/../index.html", "/assets/main.js", "/assets/..%2findex.html"]) {
        assert.equal(await ask(path), undefined, path);
      }
      const unknown = await ask("/assets/main.0123456789abcdef.js");
      assert.equal(unknown?.status, 404);
      const posted = await ask("/", { method: "POST", body: "x" });
      assert.deepEqual([posted?.status, posted?.headers.get("allow")], [405, "GET, HEAD"]);
    });
  });
});

Deno.test("a dashboard that is not built says how to build it", async () => {
  const route = dashboardRoute({ site: SITE, files: openDashboardFiles([new URL("file:///nonexistent/")]) });
  const answer = await route(new Request(`${SITE.origin}/`));
  assert.equal(answer?.status, 503);
  assert.match(await answer?.text() ?? "", /deno task dashboard/);
});
