import assert from "node:assert/strict";
import type { SearchLogsRequest } from "../../proto/gen/ctrl/v1/log_search_pb.ts";
import { NOW, SHOP, startControlPlane, unkey } from "../shared/testing.ts";
import { untimed } from "./testing.ts";

const lineOf = (deploymentId: string, atMs: number, text: string) => ({
  deploymentId,
  instance: "ins_a",
  region: "local.dev",
  time: BigInt(NOW + atMs),
  stream: "stdout",
  text,
});

/** Two pages, newest first. */
function serve(requests: SearchLogsRequest[], last = "") {
  return startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    deployment: {
      searchLogs(request) {
        requests.push(request);
        const json = { level: "error", message: "refused", fieldsJson: '{"port":5432}' };
        return request.cursor === ""
          ? { lines: [{ ...lineOf("d_2", 30, "{}"), ...json }, lineOf("d_2", 20, "two")], cursor: "next" }
          : { lines: [lineOf("d_1", 10, "one")], cursor: last, searchedSince: BigInt(NOW) };
      },
    },
  });
}

Deno.test("logs --search prints the lines of all pages in the order of time, and says that it looked at all", async () => {
  const requests: SearchLogsRequest[] = [];
  await using api = await serve(requests);
  const args = ["logs", "shop", "--search", "refused", "--level", "warn", "--env", "production"];
  const { code, stdout, stderr } = await unkey(args, { env: untimed(api.url) });
  assert.deepEqual([code, stdout], [0, "ins_a | one\nins_a | two\nins_a | {}\n"]);
  assert.equal(stderr, "3 lines; searched all output that is kept.\n");
  assert.deepEqual(
    requests.map((
      { projectId, environmentSlug, text, level, limit, cursor },
    ) => [projectId, environmentSlug, text, level, limit, cursor]),
    [[SHOP.id, "production", "refused", "warn", 100, ""], [
      SHOP.id,
      "production",
      "refused",
      "warn",
      98,
      "next",
    ]],
  );
});

Deno.test("logs --search ends with enough lines and says how far it looked, and --json has fields", async () => {
  const requests: SearchLogsRequest[] = [];
  await using api = await serve(requests, "more");
  const run = (...args: string[]) =>
    unkey(["logs", "d_2", "--search", "x", ...args], { env: untimed(api.url) });
  const { stdout } = await run("--tail", "2", "--json");
  assert.deepEqual(requests.map(({ deploymentId, limit }) => [deploymentId, limit]), [["d_2", 2]]);
  assert.deepEqual(JSON.parse(stdout.trimEnd().split("\n")[1] ?? ""), {
    source: "instance",
    deployment: "d_2",
    instance: "ins_a",
    region: "local.dev",
    time: NOW + 30,
    stream: "stdout",
    text: "{}",
    level: "error",
    message: "refused",
    fields: { port: 5432 },
  });
  const { stderr } = await run("--tail", "3");
  const time = new Date(NOW).toISOString();
  assert.equal(
    stderr,
    `3 lines; searched back to ${time}. Earlier ones: --until ${time}, or more with --tail.\n`,
  );
});

Deno.test("logs --search goes neither with --follow nor with the build", async () => {
  const { code, stderr } = await unkey(["logs", "d_1", "--level", "error", "--follow", "--source", "build"]);
  assert.equal(code, 2);
  assert.match(stderr, /leave out --follow/);
  assert.match(stderr, /leave out --source build/);
});
