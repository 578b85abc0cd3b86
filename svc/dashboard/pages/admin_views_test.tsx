/** Pages of keys, acts and the platform as text. */
import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import type { VNode } from "preact";
import { renderToString } from "preact-render-to-string";
import {
  AuditEntrySchema,
  GetStatusResponseSchema,
  LimitSchema,
  RootKeySchema,
} from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentSchema, DeploymentStatus } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { AuditView, factsText } from "./audit.tsx";
import { KeysView } from "./keys.tsx";
import { PlatformView } from "./platform.tsx";

const NOW = 1_800_000_000_000;
const HOSTILE = `<img src=x onerror=alert(1) \x1b[31m\u202e`;

function textOf(view: VNode): string {
  const html = renderToString(view);
  for (const each of ["<img", "\x1b", "\u202e"]) assert.ok(!html.includes(each), html);
  return html.replaceAll(/<[^>]*>/g, " ").replaceAll("&quot;", '"').replaceAll(/\s+/g, " ").trim();
}

Deno.test("the page of keys shows begins, names and permissions, and never a key", () => {
  const key = create(RootKeySchema, {
    id: "key_1",
    name: `ci ${HOSTILE}`,
    start: "unkey_ab",
    permissions: ["project.*.read_deployment"],
    createdAt: BigInt(NOW - 60_000),
  });
  const text = textOf(<KeysView keys={[key]} nowMs={NOW} onRevoke={() => undefined} />);
  assert.match(text, /unkey_ab… ci &lt;img src=x/);
  assert.match(text, /project\.\*\.read_deployment 1 min ago revoke The same/);
  assert.match(text, /unkey keys list copy$/);
  assert.match(textOf(<KeysView keys={[]} nowMs={NOW} onRevoke={() => undefined} />), /unkey keys create ci/);
});

Deno.test("the audit log links to deployments, shows facts as text, and the command of its filter", () => {
  const entry = create(AuditEntrySchema, {
    id: "aud_1",
    createdAt: BigInt(NOW - 1_000),
    actorKind: "root_key",
    actorName: `ada ${HOSTILE}`,
    action: "deployment.create",
    resourceType: "deployment",
    resourceId: "d_1",
    factsJson: JSON.stringify({ branch: HOSTILE, count: 2 }),
  });
  const view = (action: string) => (
    <AuditView
      key="audit"
      entries={[entry]}
      action={action}
      nowMs={NOW}
      onAction={() => undefined}
    />
  );
  assert.match(textOf(view("")), /1 s ago ada &lt;img/);
  assert.match(textOf(view("")), /deployment\.create d_1 branch: &lt;img src=x/);
  assert.match(renderToString(view("")), /<a class="id" href="\/deployments\/d_1">/);
  assert.match(textOf(view("deployment.create")), /unkey audit --action deployment\.create copy$/);
  assert.equal(factsText("no json"), "");
});

Deno.test("the platform's page shows agents that are behind, builds that wait, and certificates", () => {
  const status = create(GetStatusResponseSchema, {
    workers: [
      { id: "wrk_1", alive: true, startedAt: BigInt(NOW - 3_600_000), lastSeenAt: BigInt(NOW - 2_000) },
      { id: "wrk_2", alive: false, startedAt: BigInt(NOW - 3_600_000), lastSeenAt: BigInt(NOW - 60_000) },
    ],
    regions: [
      { region: "*", desiredVersion: 7n, agents: [] },
      {
        region: "eu",
        desiredVersion: 9n,
        waitingSince: BigInt(NOW - 20_000),
        lastNackError: `no room ${HOSTILE}`,
        agents: [{ agentId: "krane-1", appliedVersion: 6n, lastSeenAt: BigInt(NOW - 2_000), alive: false }],
      },
    ],
    certificates: [{
      hostname: "shop.example.com",
      failures: 2,
      nextAttemptAt: BigInt(NOW + 5_000),
      late: true,
    }],
  });
  const queued = create(DeploymentSchema, {
    id: "d_2",
    status: DeploymentStatus.QUEUED,
    queuePosition: 2,
    queueBlocker: "1 build ahead",
  });
  const limits = [
    create(LimitSchema, {
      name: "projects",
      value: 10n,
      used: 9n,
      isSet: true,
      about: `projects ${HOSTILE}`,
    }),
    create(LimitSchema, { name: "builds", about: "builds at a time" }),
  ];
  const text = textOf(<PlatformView status={status} queued={[queued]} limits={limits} nowMs={NOW} />);
  assert.match(text, /projects nearly used up 9 10 set projects &lt;img/);
  assert.match(text, /builds – the worker's setting builds at a time/);
  assert.match(text, /edges version 7 no change waits No agent has been seen today\./);
  assert.match(text, /eu version 9 eu has changes that wait\. Its agent said: no room/);
  assert.match(text, /a change waits for 20 s/);
  assert.match(text, /krane-1 silent 6 3 0 2 s ago/);
  assert.match(text, /waits for 2 d_2 1 build ahead/);
  assert.match(text, /shop\.example\.com late 2 in 5 s –/);
  assert.match(text, /All lead here\./);
  assert.match(text, /wrk_1 alive 1 h ago 2 s ago wrk_2 lost/);
});
