/**
 * The dashboard in a real Chromium on the real platform: frames while output is followed, the first paint of a list, and the
 * memory of the api for each open tab. `deno task bench dashboard`
 */
import type { Page } from "playwright-core";
import { buildDashboard } from "../../dev/compiling/dashboard.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { SessionService } from "../../proto/gen/ctrl/v1/session_pb.ts";
import {
  appendLogLines,
  createDeployment,
  type CtrlDatabase,
  findDeployment,
  moveStatus,
  openCtrlDatabase,
} from "../../svc/ctrl/internal/store/mod.ts";
import { newDeployment } from "../../svc/ctrl/internal/store/testing.ts";
import { findChromium, TestBrowser } from "../testbed/browser.ts";
import { Testbed } from "../testbed/testbed.ts";
import { BOUNDS } from "./bounds.ts";
import type { TabsOptions, TabsResult } from "./dashboard_tabs.ts";
import { LineProcess } from "./line_process.ts";
import { residentMib } from "./memory.ts";
import { loadAverage, quantile, report, type Row } from "./row.ts";

const DASHBOARD = new URL("../../dist/dashboard", import.meta.url).pathname;
const TABS = new URL("./dashboard_tabs.ts", import.meta.url).pathname;
const LINES = 100_000;
const BATCH_LINES = 1_000;
const BATCH_MS = 100;
/** Lines that come while the page has all that it keeps. */
const LATER_LINES = 10_000;
const DEPLOYMENTS = 1_000;
const PAINTS = 10;
/** A list that is not there by then is broken. */
const ROWS_MS_MAX = 30_000;
const OPEN_TABS = 400;
const WARM_TABS = 100;
const SETTLE_MS = 6_000;
const STREAMS_MAX = 5_000n;
const clock = systemClock();

interface World {
  readonly bed: Testbed;
  readonly db: CtrlDatabase;
  /** A deployment that is built: its output goes on. */
  readonly buildingId: string;
}

/** Measures on MariaDB, the kind of database that production has. */
export async function benchDashboard(): Promise<Row[]> {
  const chromium = findChromium();
  const schema = await (await mysqlServer())?.createSchema();
  if (chromium === undefined || schema === undefined) {
    return [{ measure: "dashboard: needs Chromium and MariaDB", measured: "-", ok: undefined }];
  }
  await buildDashboard(DASHBOARD);
  try {
    await using bed = await Testbed.start({ databaseUrl: schema.url.reveal() });
    const db = await openCtrlDatabase(schema.url, { migrate: false, log: silentLogger(), clock });
    try {
      const world = await seed(bed, db);
      const rows = await benchTabs(world);
      await using browser = await TestBrowser.start(chromium);
      const page = await logIn(world, browser);
      return [...rows, ...await benchList(page), ...await benchLines(world, page)];
    } finally {
      await db.close();
    }
  } finally {
    await schema.drop();
  }
}

/** A workspace with 1,000 deployments that have ended, and one that is built. */
async function seed(bed: Testbed, db: CtrlDatabase): Promise<World> {
  const { id: projectId } = await bed.project("bench");
  const client = createRpcClient(DeploymentService, keyOf(bed));
  const { deploymentId } = await client.createDeployment({
    projectId,
    branch: "main",
    environmentSlug: "preview",
    source: { case: "dockerImage", value: "bench.invalid/none:1" },
  });
  const like = await findDeployment(db.kysely, deploymentId);
  if (like === undefined) throw new Error(`${deploymentId} is not there`);
  const owner = {
    workspaceId: like.workspace_id,
    projectId,
    productionId: like.environment_id,
    previewId: like.environment_id,
  };
  const insert = async (status: "failed" | "building"): Promise<string> => {
    const { deployment: { id, created_at: nowMs } } = await transact(
      db,
      (tx) => createDeployment(tx, newDeployment(owner)),
    );
    await transact(db, (tx) => moveStatus(tx, { id, from: ["pending"], to: status, nowMs }));
    return id;
  };
  for (let count = 0; count < DEPLOYMENTS; count++) await insert("failed");
  const admin = createRpcClient(AdminService, { baseUrl: bed.apiUrl, token: new Secret(bed.serviceToken) });
  await admin.setLimit({ workspaceId: bed.workspaceId, name: "streams", value: STREAMS_MAX });
  // It would go on with the deployment, and end it: nothing is built here.
  await bed.parts.worker.kill("SIGTERM");
  return { bed, db, buildingId: await insert("building") };
}

function keyOf(bed: Testbed): { readonly baseUrl: string; readonly token: Secret } {
  return { baseUrl: bed.apiUrl, token: new Secret(bed.rootKey) };
}

async function logIn({ bed }: World, browser: TestBrowser): Promise<Page> {
  const { url } = await createRpcClient(SessionService, keyOf(bed)).createLoginLink({});
  const page = await browser.open();
  await page.goto(url);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  return page;
}

/** Notes when the first row was painted, and when the list had all of them, in milliseconds since the navigation. */
const WATCH_ROWS = `globalThis.rowsSeen = new Promise((done) => {
  const seen = { first: 0, all: 0 };
  const note = (name) => requestAnimationFrame(() => setTimeout(() => {
    seen[name] ||= performance.now();
    if (name === "all") done([seen.first, seen.all]);
  }));
  const look = () => {
    const rows = document.querySelectorAll("tbody tr").length;
    if (rows > 0 && seen.first === 0) note("first");
    if (rows >= ${DEPLOYMENTS}) return note("all");
    if (performance.now() > ${ROWS_MS_MAX}) return done([]);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})`;

async function benchList(page: Page): Promise<Row[]> {
  const origin = new URL(page.url()).origin;
  await page.addInitScript(WATCH_ROWS);
  const [first, all]: [number[], number[]] = [[], []];
  for (let n = 0; n < PAINTS; n++) {
    await page.goto(`${origin}/deployments`);
    const seen: unknown = await page.evaluate("rowsSeen");
    if (!Array.isArray(seen) || seen.length === 0) throw new Error("no rows");
    first.push(Number(seen[0]));
    all.push(Number(seen[1]));
  }
  const slowestMs = Math.max(...first);
  const frames = await framesWhile(page, () => scrollThrough(page));
  return [{
    measure: `dashboard: a list of ${DEPLOYMENTS} deployments, first rows painted, slowest of ${PAINTS}`,
    bound: BOUNDS.firstPaintMs,
    measured: `p50 ${quantile(first, 0.5).toFixed(0)} ms, max ${slowestMs.toFixed(0)} ms; all rows p50 ${
      quantile(all, 0.5).toFixed(0)
    } ms. ${loadAverage()}`,
    ok: slowestMs < BOUNDS.firstPaintMs.limit,
  }, {
    measure: "dashboard: frames while the list is scrolled",
    measured: frameText(frames),
    ok: undefined,
  }];
}

async function scrollThrough(page: Page): Promise<void> {
  await page.mouse.move(600, 500);
  for (let n = 0; n < 60; n++) await page.mouse.wheel(0, 400);
}

const BEGIN_FRAMES = `(() => {
  const kept = globalThis.keptFrames = { times: [], on: true };
  let before = performance.now();
  const next = (now) => {
    kept.times.push(now - before);
    before = now;
    if (kept.on) requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
})()`;

/** The time of each frame in milliseconds while `work` goes on. */
async function framesWhile(page: Page, work: () => Promise<void>): Promise<readonly number[]> {
  await page.evaluate(BEGIN_FRAMES);
  await work();
  const times: unknown = await page.evaluate("(keptFrames.on = false, keptFrames.times)");
  if (!Array.isArray(times)) throw new Error("no frames");
  return times.slice(1).map(Number);
}

function frameText(frames: readonly number[]): string {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => quantile(frames, q).toFixed(1));
  return `p50 ${p50}, p95 ${p95}, p99 ${p99} ms of ${frames.length} frames`;
}

/** Lines come as a build prints them, in transactions, while the page follows. */
async function benchLines({ db, buildingId }: World, page: Page): Promise<Row[]> {
  await page.goto(`${new URL(page.url()).origin}/deployments/${buildingId}`);
  await page.getByRole("heading", { name: "Output" }).waitFor();
  let printed = 0;
  const print = async (lines: number): Promise<void> => {
    for (const end = printed + lines; printed < end;) {
      const part = Array.from(
        { length: Math.min(BATCH_LINES, end - printed) },
        (_, n) => `line ${printed + n} of a build, with as many words as such a line has`,
      );
      const startedMs = performance.now();
      await transact(
        db,
        (tx) =>
          appendLogLines(tx, buildingId, { source: "build", origin: "RUN make", lines: part }, clock.now()),
      );
      printed += part.length;
      await sleep(Math.max(0, BATCH_MS - (performance.now() - startedMs)));
    }
    await page.locator(".log").getByText(`line ${printed - 1} of`).waitFor();
  };
  const startedMs = performance.now();
  const filling = await framesWhile(page, () => print(LINES));
  const tookS = (performance.now() - startedMs) / 1_000;
  const full = await framesWhile(page, () => print(LATER_LINES));
  return [
    frameRow(`dashboard: ${LINES} lines come and are followed, in ${tookS.toFixed(0)} s`, filling),
    frameRow(`dashboard: ${LATER_LINES} more lines are followed, of which the oldest go`, full),
  ];
}

function frameRow(measure: string, frames: readonly number[]): Row {
  return {
    measure,
    bound: BOUNDS.frameMs,
    measured: `${frameText(frames)}. ${loadAverage()}`,
    ok: quantile(frames, 0.95) < BOUNDS.frameMs.limit,
  };
}

async function benchTabs(world: World): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [what, deploymentId] of [["the overview", ""], ["a deployment", world.buildingId]] as const) {
    const kib = await kibPerTab(world, deploymentId);
    rows.push({
      measure: `dashboard: api memory for each of ${OPEN_TABS} open tabs of ${what}`,
      bound: BOUNDS.tabKib,
      measured: `${kib.toFixed(0)} KiB. ${loadAverage()}`,
      ok: kib < BOUNDS.tabKib.limit,
    });
  }
  return rows;
}

/** The growth of a fresh api whose code is compiled and whose heap has its size. */
async function kibPerTab({ bed }: World, deploymentId: string): Promise<number> {
  await bed.parts.api.kill("SIGTERM");
  await bed.parts.api.start();
  const options = { url: bed.apiUrl, rootKey: bed.rootKey, deploymentId };
  await (await open({ ...options, tabs: WARM_TABS })).close();
  await sleep(SETTLE_MS);
  const restMib = await residentMib(bed.parts.api.pid);
  const tabs = await open({ ...options, tabs: OPEN_TABS });
  await sleep(SETTLE_MS);
  const grownMib = await residentMib(bed.parts.api.pid) - restMib;
  await tabs.close();
  return grownMib * 1_024 / OPEN_TABS;
}

async function open(options: TabsOptions): Promise<{ close(): Promise<void> }> {
  const process = new LineProcess(TABS, options);
  const check = ({ open, problems }: TabsResult): void => {
    if (open !== options.tabs || problems.length > 0) {
      throw new Error(`${open} of ${options.tabs} tabs: ${problems.join("; ")}`);
    }
  };
  try {
    check(await process.line<TabsResult>());
  } catch (error) {
    await process.kill();
    throw error;
  }
  return { close: async () => check(await process.stop<TabsResult>()) };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (import.meta.main) report(await benchDashboard());
