/** The list of all deployments: its pages, its filter, and its rows. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { renderToString } from "preact-render-to-string";
import {
  type Deployment,
  DeploymentSchema,
  DeploymentService,
  DeploymentStatus,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { DeploymentList, withWords } from "./list.ts";
import { DeploymentsView, summary } from "./page.tsx";

const NOW = 1_800_000_000_000;
const SIGNAL = new AbortController().signal;

function deploymentOf(number: number, changes: MessageInitShape<typeof DeploymentSchema> = {}): Deployment {
  return create(DeploymentSchema, {
    id: `d_${number}`,
    projectSlug: "shop",
    environmentSlug: "production",
    status: DeploymentStatus.READY,
    createdAt: BigInt(NOW - number * 1_000),
    ...changes,
  });
}

/** A control plane with deployments, which notes the pages that were read. */
function platform(total: number) {
  const state = {
    all: Array.from({ length: total }, (_, n) => deploymentOf(n)),
    pages: [] as string[],
    nowMs: NOW,
  };
  const transport = createRouterTransport((router) =>
    void router.service(DeploymentService, {
      listDeployments: ({ pageSize, pageToken }) => {
        state.pages.push(pageToken);
        const begin = Number(pageToken || "0");
        const end = begin + pageSize;
        return {
          deployments: state.all.slice(begin, end),
          nextPageToken: end < state.all.length ? String(end) : "",
        };
      },
    })
  );
  const api = { clock: { now: () => state.nowMs }, deployments: createClient(DeploymentService, transport) };
  return { state, api };
}

Deno.test("the list shows its first page at once, and then older ones up to its bound", async () => {
  const { state, api } = platform(350);
  const list = new DeploymentList(api, 300);
  const seen: (readonly [number, boolean])[] = [];
  const end = list.state.subscribe((shown) => {
    if (shown !== undefined) seen.push([shown.deployments.length, shown.isPartial]);
  });
  await list.read(SIGNAL);
  end();
  assert.deepEqual(seen, [[100, true], [200, true], [300, false]]);
  assert.equal(list.state.value?.hasOlder, true);
  assert.deepEqual(state.pages, ["", "100", "200"]);
});

Deno.test("a change reads the newest ones only, and all again after a minute", async () => {
  const { state, api } = platform(250);
  const list = new DeploymentList(api);
  await list.read(SIGNAL);
  state.pages.length = 0;
  state.all = [deploymentOf(-1), ...state.all.slice(0, -1)];
  state.all[3] = deploymentOf(2, { status: DeploymentStatus.STOPPED });
  await list.read(SIGNAL);
  assert.deepEqual(state.pages, [""]);
  const ids = list.state.value?.deployments.map(({ id }) => id) ?? [];
  assert.deepEqual([ids.length, ids[0], new Set(ids).size], [251, "d_-1", 251]);
  assert.equal(list.state.value?.deployments[3]?.status, DeploymentStatus.STOPPED);
  state.nowMs += 60_000;
  await list.read(SIGNAL);
  assert.equal(list.state.value?.deployments.length, 250, "the one that is gone is not shown any more");
});

Deno.test("words find deployments by everything that is shown of them, all words at once", () => {
  const all = [
    deploymentOf(1, { live: true, gitBranch: "main" }),
    deploymentOf(2, { projectSlug: "blog", gitCommitMessage: "fix: Cart\nlong" }),
    deploymentOf(3, { status: DeploymentStatus.FAILED }),
  ];
  const found = (text: string): string[] => withWords(all, text).map(({ id }) => id);
  assert.deepEqual(found("  "), ["d_1", "d_2", "d_3"]);
  assert.deepEqual(found("LIVE main"), ["d_1"]);
  assert.deepEqual(found("cart"), ["d_2"]);
  assert.deepEqual(found("shop failed"), ["d_3"]);
  assert.deepEqual(found("long"), []);
});

Deno.test("the page says how many deployments there are, and foreign text is text", () => {
  const hostile = deploymentOf(1, { gitCommitMessage: `<img src=x>\x1b[31m` });
  const shown = { deployments: [hostile, deploymentOf(2)], isPartial: false, hasOlder: true };
  const html = renderToString(<DeploymentsView shown={shown} nowMs={NOW} />);
  assert.match(html, /2 deployments; older ones are in the list of the terminal/);
  assert.match(html, /1 s ago/);
  for (const each of ["<img", "\x1b"]) assert.ok(!html.includes(each), each);
  assert.equal(summary(1, { ...shown, isPartial: true }), "1 of 2 deployments; older ones are read …");
  assert.match(
    renderToString(<DeploymentsView shown={{ ...shown, deployments: [] }} nowMs={NOW} />),
    /No deployment yet/,
  );
});
