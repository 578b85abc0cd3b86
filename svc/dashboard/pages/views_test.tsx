/** Views as text: what they show, and that foreign text stays text. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import type { VNode } from "preact";
import { renderToString } from "preact-render-to-string";
import { EnvironmentSchema, ProjectSchema, RegionStatusSchema } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  type Deployment,
  DeploymentInstanceSchema,
  DeploymentSchema,
  DeploymentStatus,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { SessionSchema } from "../../../proto/gen/ctrl/v1/session_pb.ts";
import { DeploymentView } from "./deployment_view.tsx";
import { LoginView } from "./login.tsx";
import { OverviewView, regionTrouble } from "./overview_view.tsx";
import { SessionsView } from "./sessions_view.tsx";

const NOW = 1_800_000_000_000;
const HOSTILE = `<img src=x onerror="alert(1)">\x1b[31m\u202e`;

function deploymentOf(changes: MessageInitShape<typeof DeploymentSchema> = {}): Deployment {
  return create(DeploymentSchema, {
    id: "d_1",
    projectSlug: "shop",
    environmentSlug: "production",
    status: DeploymentStatus.READY,
    createdAt: BigInt(NOW - 180_000),
    gitCommitSha: "0123456789",
    gitCommitMessage: "cart: keep the order\n\nlong",
    gitBranch: "main",
    gitCommitAuthorHandle: "ada",
    urls: ["https://shop.example.com"],
    ...changes,
  });
}

function cardOf(changes = {}) {
  return {
    project: create(ProjectSchema, { id: "proj_1", slug: "shop" }),
    environment: create(EnvironmentSchema, { id: "env_1", slug: "production" }),
    live: deploymentOf({ live: true, desiredInstances: 2, runningInstances: 1 }),
    newest: undefined,
    ...changes,
  };
}

/** The text of a page without its elements. */
function textOf(view: VNode): string {
  return renderToString(view).replaceAll(/<[^>]*>/g, " ").replaceAll("&quot;", '"').replaceAll(/\s+/g, " ")
    .trim();
}

function deployment(given: Deployment) {
  return (
    <DeploymentView
      key="deployment"
      deployment={given}
      instances={[]}
      tookMs={8_240}
      nowMs={NOW}
      onAct={() => undefined}
    />
  );
}

Deno.test("the overview shows what is live: commit, age, instances and address", () => {
  const overview = { cards: [cardOf()], recent: [], regions: [] };
  const html = renderToString(<OverviewView overview={overview} nowMs={NOW} />);
  const text = textOf(<OverviewView overview={overview} nowMs={NOW} />);
  assert.match(
    text,
    /shop production ready cart: keep the order live 3 min ago 0123456 main ada 1 of 2 instances/,
  );
  assert.match(html, /<a href="\/deployments\/d_1">cart: keep the order<\/a>/);
  assert.match(html, /<a href="https:\/\/shop.example.com\/" target="_blank" rel="noreferrer noopener">/);
});

Deno.test("the overview says how to begin, and names regions in trouble", () => {
  const empty = textOf(<OverviewView overview={{ cards: [], recent: [], regions: [] }} nowMs={NOW} />);
  assert.match(empty, /No project yet .{0,200} unkey init --create/);
  const region = create(RegionStatusSchema, {
    region: "eu-1",
    waitingSince: BigInt(NOW - 60_000),
    lastNackError: HOSTILE,
  });
  const text = textOf(<OverviewView overview={{ cards: [], recent: [], regions: [region] }} nowMs={NOW} />);
  assert.match(text, /eu-1 has changes that wait\. Its agent said: &lt;img src=x/);
  const of = (changes: MessageInitShape<typeof RegionStatusSchema>): string | undefined =>
    regionTrouble(create(RegionStatusSchema, changes), NOW);
  assert.equal(of({}), undefined);
  assert.equal(of({ waitingSince: BigInt(NOW - 1_000) }), undefined);
  assert.match(of({ silentSince: 1n }) ?? "", /no heartbeats/);
  assert.match(of({ refusedDeployments: 1 }) ?? "", /does not run 1 deployment:/);
});

Deno.test("a deploy that goes on is beside the live one on its card", () => {
  const newest = deploymentOf({ id: "d_2", status: DeploymentStatus.BUILDING, gitCommitMessage: "" });
  const overview = {
    cards: [cardOf({ newest }), cardOf({ live: undefined })],
    recent: [newest],
    regions: [],
  };
  const text = textOf(<OverviewView overview={overview} nowMs={NOW} />);
  assert.match(text, /building d_2 deploying 3 min ago/);
  assert.match(text, /Nothing is live here\./);
});

Deno.test("a deployment that failed says why, with exit code, place and last lines", () => {
  const text = textOf(deployment(deploymentOf({
    status: DeploymentStatus.FAILED,
    failureCode: "build_failed",
    errorMessage: "The build failed. Mend it and deploy again.",
    failureDetails: { exitCode: 3, source: "build", origin: "RUN make", logLines: ["main.c:7: expected ;"] },
  })));
  assert.match(
    text,
    /failed build failed, exit code 3 The build failed\. Mend it and deploy again\. RUN make main\.c:7/,
  );
  assert.match(text, /took 8\.2 s/);
  assert.ok(!text.includes("Roll back") && !text.includes("Promote"), "it cannot serve");
});

Deno.test("a deployment has the acts that fit its state", () => {
  const acts = (changes: MessageInitShape<typeof DeploymentSchema>): string[] =>
    [
      ...renderToString(deployment(deploymentOf(changes))).matchAll(
        /<button type="button">([^<]*)<\/button>/g,
      ),
    ]
      .map(([, word = ""]) => word);
  assert.deepEqual(acts({ status: DeploymentStatus.BUILDING }), ["Cancel"]);
  assert.deepEqual(acts({ live: true }), ["Roll back"]);
  assert.deepEqual(acts({ live: true, environmentRolledBack: true }), ["Roll back", "End the rollback"]);
  assert.deepEqual(acts({}), ["Roll back to this", "Promote"]);
  assert.deepEqual(acts({ status: DeploymentStatus.STOPPED }), ["Roll back to this", "Promote"]);
  assert.deepEqual(acts({ status: DeploymentStatus.STOPPED, imageRemoved: true }), []);
  assert.deepEqual(acts({ status: DeploymentStatus.SUPERSEDED }), []);
});

Deno.test("a queued deployment names its place and what it waits for", () => {
  const html = renderToString(deployment(deploymentOf({
    status: DeploymentStatus.QUEUED,
    queuePosition: 2,
    queueBlocker: "1 build ahead",
    queueBlockerIds: ["d_9"],
  })));
  assert.match(html, /Place 2 in the queue\. 1 build ahead <a href="\/deployments\/d_9">d_9<\/a>/);
});

Deno.test("foreign text is shown as text, without control characters, and bad links are none", () => {
  const given = deploymentOf({
    gitCommitMessage: HOSTILE,
    gitBranch: HOSTILE,
    gitCommitAuthorHandle: HOSTILE,
    projectSlug: HOSTILE,
    environmentSlug: HOSTILE,
    errorMessage: HOSTILE,
    failureDetails: { origin: HOSTILE, logLines: [HOSTILE] },
    urls: ["javascript:alert(1)"],
    queuePosition: 1,
    queueBlocker: HOSTILE,
    stop: { message: HOSTILE },
  });
  const instance = create(DeploymentInstanceSchema, {
    name: HOSTILE,
    region: HOSTILE,
    status: "failed",
    message: HOSTILE,
  });
  const session = create(SessionSchema, { id: "sess_1", browser: HOSTILE, keyName: HOSTILE });
  const overview = {
    cards: [cardOf({ live: given, newest: given, project: create(ProjectSchema, { slug: HOSTILE }) })],
    recent: [given],
    regions: [create(RegionStatusSchema, { region: HOSTILE, silentSince: 1n })],
  };
  const views = [
    <OverviewView key="overview" overview={overview} nowMs={NOW} />,
    <DeploymentView
      key="deployment"
      deployment={given}
      instances={[instance]}
      tookMs={1}
      nowMs={NOW}
      onAct={() => undefined}
    />,
    <SessionsView key="sessions" sessions={[session]} nowMs={NOW} onRevoke={() => undefined} />,
  ];
  for (const view of views) {
    const html = renderToString(view);
    assert.ok(html.includes("&lt;img src=x"), "it is shown");
    for (const bad of ["<img", "\x1b", "\u202e", "javascript:"]) assert.ok(!html.includes(bad), bad);
  }
});

Deno.test("the sessions page marks the session that is looked at, and the login page says how to get a link", () => {
  const sessions = [
    create(SessionSchema, {
      id: "sess_1",
      browser: "Firefox on Linux",
      keyName: "laptop",
      lastSeenAt: BigInt(NOW - 60_000),
      expiresAt: BigInt(NOW + 3 * 86_400_000),
      current: true,
    }),
    create(SessionSchema, { id: "sess_2", keyId: "key_2" }),
  ];
  const text = textOf(<SessionsView sessions={sessions} nowMs={NOW} onRevoke={() => undefined} />);
  assert.match(text, /sess_1 this one Firefox on Linux laptop 1 min ago 3 d revoke/);
  assert.match(text, /sess_2 key_2/);
  assert.match(textOf(<LoginView problem={undefined} />), /Log in .{0,200} unkey dashboard copy/);
  const none = textOf(<SessionsView sessions={[]} nowMs={NOW} onRevoke={() => undefined} />);
  assert.match(none, /No sessions/);
});
