/** The page of an environment as text, and the places of its lane. */
import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { renderToString } from "preact-render-to-string";
import {
  EnvironmentSchema,
  EnvironmentVariableSchema,
  ProjectSchema,
} from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { CustomDomainSchema, CustomDomainStatus } from "../../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import { DeploymentSchema, DeploymentStatus } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import {
  ReceiptState,
  type TrafficSwitch,
  TrafficSwitchSchema,
} from "../../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import { createApi } from "../api/clients.ts";
import { receiptText } from "./history.tsx";
import { liveSpans } from "./lane.ts";
import { EnvironmentView } from "./page.tsx";
import { changedVariables, type EnvironmentPage } from "./read.ts";

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const HOSTILE = `<img src=x onerror="alert(1)">\x1b[31m\u202e`;
const API = createApi("http://dashboard.localhost", {
  visibilityState: "hidden",
  addEventListener: () => undefined,
}, { now: () => NOW });

function switchTo(toDeploymentId: string, hoursAgo: number, cause = "deploy"): TrafficSwitch {
  return create(TrafficSwitchSchema, {
    id: `sw_${toDeploymentId}`,
    toDeploymentId,
    cause,
    committedAt: BigInt(NOW - hoursAgo * HOUR),
    receipt: { state: ReceiptState.COMPLETE, tookMs: 38n },
  });
}

function variable(key: string, hoursAgo: number) {
  return create(EnvironmentVariableSchema, { key, updatedAt: BigInt(NOW - hoursAgo * HOUR) });
}

const LIVE = create(DeploymentSchema, {
  id: "d_2",
  status: DeploymentStatus.READY,
  live: true,
  createdAt: BigInt(NOW - 2 * HOUR),
});

function pageOf(changes: Partial<EnvironmentPage> = {}): EnvironmentPage {
  return {
    project: create(ProjectSchema, { id: "proj_1", slug: "shop" }),
    environment: create(EnvironmentSchema, {
      id: "env_1",
      slug: "production",
      size: { cpuMillicores: 500, memoryMib: 256, replicas: 2 },
      idleEndSeconds: 0n,
    }),
    live: LIVE,
    deployments: [LIVE],
    switches: [switchTo("d_2", 1), switchTo("d_1", 4)],
    variables: [variable("TOKEN", 1), variable("OLD", 9)],
    domains: [],
    graduals: [],
    crons: [],
    runs: [],
    scalings: [],
    ...changes,
  };
}

function htmlOf(page: EnvironmentPage): string {
  return renderToString(<EnvironmentView api={API} shown={page} nowMs={NOW} onAct={() => undefined} />);
}

function textOf(page: EnvironmentPage): string {
  return htmlOf(page).replaceAll(/<[^>]*>/g, " ").replaceAll("&quot;", '"').replaceAll(/\s+/g, " ").trim();
}

Deno.test("an environment shows what is live, what was, its size, and which variables are not live yet", () => {
  const text = textOf(pageOf());
  assert.match(text, /^shop production Metrics Logs Redeploy ready d_2 live 2 h ago/);
  assert.match(text, /1 h ago d_2 deploy 1 h 38 ms, no failed request 4 h ago d_1 deploy 3 h/);
  assert.match(text, /1 variable changed since the live deployment was created\. Redeploy/);
  assert.match(text, /TOKEN not live yet never shown 1 h ago remove OLD never shown/);
  assert.match(text, /CPU 0\.5 cores memory 256 MiB instances 2 in each region idle end never/);
  assert.match(text, /unkey variables set NAME --project shop --env production/);
  assert.match(htmlOf(pageOf()), /<input type="password"/);
});

Deno.test("parts that a key may not see are left out, and an empty environment says so", () => {
  const text = textOf(
    pageOf({ variables: undefined, domains: undefined, live: undefined, switches: [], deployments: [] }),
  );
  assert.match(text, /^shop production Metrics Logs Nothing is live here\. Size and settings/);
  assert.doesNotMatch(text, /Variables|Domains|Live history|Redeploy/);
});

Deno.test("a domain that is not proven shows the answer of the DNS and the records to set, as text", () => {
  const domain = create(CustomDomainSchema, {
    id: "dom_1",
    domain: "shop.example.com",
    status: CustomDomainStatus.VERIFYING,
    issues: [{ code: "no_record", message: `No record. ${HOSTILE}`, fix: "Set one." }],
    records: [{
      type: "CNAME",
      name: "shop.example.com",
      value: "x.apps.test",
      purpose: "route",
      required: true,
    }],
  });
  const page = pageOf({ domains: [domain] });
  const text = textOf(page);
  assert.match(text, /shop\.example\.com records are looked for No record\./);
  assert.match(text, /CNAME shop\.example\.com x\.apps\.test leads here/);
  assert.match(text, /unkey domains verify shop\.example\.com --project shop/);
  for (const each of ["<img", "\x1b", "\u202e"]) assert.ok(!htmlOf(page).includes(each), each);
  const done = { ...domain, status: CustomDomainStatus.VERIFIED, reaches: true, issues: [] };
  assert.match(textOf(pageOf({ domains: [done] })), /shop\.example\.com verified leads here/);
  assert.doesNotMatch(textOf(pageOf({ domains: [done] })), /CNAME/);
});

Deno.test("the lane has the time of each deployment, up to now, and each can be seen", () => {
  const spans = liveSpans([switchTo("d_3", 0), switchTo("d_2", 1, "rollback"), switchTo("d_1", 4)], NOW);
  assert.deepEqual(
    spans.map((
      { deploymentId, x, width },
    ) => [deploymentId, Math.round(x * 10) / 10, Math.round(width * 10) / 10]),
    [["d_1", 0, 75], ["d_2", 75, 25], ["d_3", 99.4, 0.6]],
  );
  assert.deepEqual(spans.map(({ endMs }) => endMs === undefined), [false, false, true]);
  assert.deepEqual(liveSpans([], NOW), []);
});

Deno.test("a receipt says how long edges took and how many requests failed", () => {
  const text = (state: ReceiptState, failedByEdge = 0n): string =>
    receiptText(create(TrafficSwitchSchema, { receipt: { state, tookMs: 120n, failedByEdge } }).receipt);
  assert.equal(text(ReceiptState.COMPLETE), "120 ms, no failed request");
  assert.equal(text(ReceiptState.COUNTING, 2n), "120 ms, 2 failed requests");
  assert.equal(text(ReceiptState.WAITING), "edges are taking it …");
  assert.equal(text(ReceiptState.INCOMPLETE), "not every edge has followed, no failed request");
  assert.match(text(ReceiptState.SUPERSEDED), /^another switch/);
  assert.equal(receiptText(undefined), "");
});

Deno.test("a variable that was set after the live deployment is not live yet", () => {
  assert.deepEqual(changedVariables([variable("A", 1), variable("B", 3)], LIVE), ["A"]);
  assert.deepEqual(changedVariables([variable("A", 1)], undefined), []);
});
