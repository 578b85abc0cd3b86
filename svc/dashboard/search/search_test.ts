/** Searches against a server of its own, which answers page by page. */
import assert from "node:assert/strict";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type {
  FoundLogLineSchema,
  SearchLogsRequest,
  SearchLogsResponseSchema,
} from "../../../proto/gen/ctrl/v1/log_search_pb.ts";
import { pause } from "../api/visible.ts";
import { linkOf } from "../logs/link.ts";
import { type FoundLine, foundLine, withNewer } from "./found.ts";
import { NO_QUERY } from "./query.ts";
import { LogSearch } from "./search.ts";

const NOW = 1_800_000_000_000;
const PAGE = { visibilityState: "visible", addEventListener: () => undefined } as const;

function line(n: number, text = `line ${n}`): MessageInitShape<typeof FoundLogLineSchema> {
  return {
    deploymentId: "d_1",
    instance: "shop-1",
    region: "eu",
    time: BigInt(NOW + n),
    stream: "stdout",
    text,
  };
}

type Answer = MessageInitShape<typeof SearchLogsResponseSchema>;

function searchOf(answer: (request: SearchLogsRequest) => Answer, query = {}) {
  const asked: SearchLogsRequest[] = [];
  const transport = createRouterTransport((router) =>
    void router.service(DeploymentService, {
      searchLogs(request) {
        asked.push(request);
        return answer(request);
      },
    })
  );
  const api = { deployments: createClient(DeploymentService, transport), clock: { now: () => NOW } };
  const search = new LogSearch({
    api,
    page: PAGE,
    query: { ...NO_QUERY, project: "proj_1", ...query },
    everyMs: 1,
  });
  const texts = (): string[] => search.state.value.lines.map(({ text }) => text);
  return { search, asked, texts };
}

/** Newest first, `size` at a time, from line 100 down to line 1. */
function pages(size: number): (request: SearchLogsRequest) => Answer {
  return ({ cursor }) => {
    const from = cursor === "" ? 100 : Number(cursor);
    const lines = Array.from({ length: Math.min(size, from) }, (_, n) => line(from - n));
    const next = from - size;
    return { lines, cursor: next > 0 ? String(next) : "", searchedSince: BigInt(NOW + next) };
  };
}

Deno.test("a search shows lines oldest first, and goes on to earlier ones", async () => {
  const { search, texts, asked } = searchOf(pages(10), { since: "1h", level: "error" });
  await search.earlier();
  assert.deepEqual([texts().length, texts()[0], texts().at(-1)], [50, "line 51", "line 100"]);
  assert.equal(search.state.value.searchedSinceMs, NOW + 50);
  await search.earlier();
  assert.deepEqual([texts().length, texts()[0], search.state.value.cursor], [100, "line 1", ""]);
  assert.equal(search.state.value.earlier, 100);
  assert.deepEqual([...new Set(asked.map(({ since, level }) => `${since} ${level}`))], [
    `${NOW - 3_600_000} error`,
  ]);
});

Deno.test("a search goes on while it finds nothing, within its bound, and until a linked line is there", async () => {
  const nothing = searchOf(() => ({ lines: [], cursor: "more", searchedSince: 5n }));
  await nothing.search.earlier();
  assert.deepEqual([nothing.asked.length, nothing.search.state.value.cursor], [5, "more"]);
  const { asked, search } = searchOf(pages(25), { line: linkOf(foundLineOf(30)) });
  await search.earlier();
  assert.equal(asked.length, 4);
});

Deno.test("a search that fails says why, keeps its lines, and can go on", async () => {
  let fails = false;
  const { search, texts } = searchOf((request) => {
    if (fails) throw new Error("no");
    return pages(10)(request);
  });
  await search.earlier();
  fails = true;
  await search.earlier();
  assert.equal(search.state.value.problem?.what, "The search failed.");
  assert.deepEqual([texts().length, search.state.value.isReading], [50, false]);
  fails = false;
  await search.earlier();
  assert.deepEqual([texts().length, search.state.value.problem], [100, undefined]);
});

Deno.test("a search that is followed adds new and late lines in their order, each once", async () => {
  let lines = [line(3), line(1)];
  const { search, texts, asked } = searchOf(() => ({ lines }));
  await search.earlier();
  assert.deepEqual(texts(), ["line 1", "line 3"]);
  lines = [line(4), line(3), line(3), line(2), line(1)];
  search.follow();
  for (let waits = 0; texts().length < 5 && waits < 10_000; waits++) {
    await pause(1, AbortSignal.timeout(10_000));
  }
  search.unfollow();
  assert.deepEqual(texts(), ["line 1", "line 2", "line 3", "line 3", "line 4"]);
  assert.equal(asked[1]?.since, BigInt(NOW + 3 - 15_000));
  search.stop();
});

function foundLineOf(n: number): FoundLine {
  const { deploymentId = "", instance = "", region = "", time = 0n, stream = "", text = "" } = line(n);
  const message = { $typeName: "ctrl.v1.FoundLogLine", level: "error" } as const;
  return foundLine({ ...message, deploymentId, instance, region, time, stream, text });
}

Deno.test("lines before the time that was looked at stay as they are", () => {
  const lines = [1, 5, 9].map(foundLineOf);
  assert.equal(withNewer(lines, [foundLineOf(9)], NOW + 6), lines);
  const merged = withNewer(lines, [foundLineOf(5), foundLineOf(7), foundLineOf(9)], NOW + 5);
  assert.deepEqual(merged.map(({ text }) => text), ["line 1", "line 5", "line 7", "line 9"]);
  assert.equal(foundLineOf(1).isError, true);
});
