import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { DEPLOY_EXIT } from "../shared/deploying/exit_codes.ts";
import {
  deploy,
  GOES_WELL,
  log,
  resultOf,
  startParts,
  step,
  type Stream,
} from "../shared/deploying/testing.ts";

// deno-lint-ignore no-control-regex -- characters that must not be there
const NO_ESCAPES = /^[^\x1b\r]*$/;

Deno.test("deploy prints the URL, and nothing else, on standard output", async () => {
  await using parts = await startParts({});
  const { code, stdout, stderr } = await deploy({ url: parts.plane.url });
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "http://shop-acme.localhost:7070\n");
  assert.match(stderr, /packed 1 file, .*\n.*uploaded.*\n.*created d_1/);
  assert.match(stderr, /RUN make\n +\| compiling\n +\| linking\nok building \(2\.0 s\)/);
  assert.match(stderr, NO_ESCAPES, "no cursor movement without a terminal");
});

Deno.test("deploy sends the announced bytes, bound to the headers of the upload", async () => {
  await using parts = await startParts({});
  await deploy({
    url: parts.plane.url,
    files: { "app/Dockerfile": "FROM scratch\n", "app/a.txt": "a" },
    args: ["app"],
  });
  const [upload] = parts.seen.uploads;
  const [request] = parts.seen.uploadRequests;
  const [pack] = request?.packs ?? [];
  assert.equal(upload?.sha256, pack?.checksumSha256);
  assert.equal(BigInt(upload?.bytes ?? 0), pack?.sizeBytes);
  assert.equal(upload?.header, "the signature");
  assert.equal(request?.projectId, "proj_shop");
});

Deno.test("deploy --json prints one object with the timings of all phases", async () => {
  await using parts = await startParts({});
  const result = resultOf(await deploy({ url: parts.plane.url, args: ["--json", "--env", "production"] }));
  const { timings, ...rest } = result;
  assert.deepEqual(rest, {
    id: "d_1",
    status: "ready",
    urls: ["http://shop-acme.localhost:7070"],
    environment: "production",
    project: "shop",
    warnings: [],
    exitCode: 0,
  });
  assert.deepEqual(Object.keys(timings).toSorted(), [
    "buildMs",
    "createMs",
    "deployMs",
    "packMs",
    "totalMs",
    "uploadMs",
  ]);
  assert.deepEqual([timings.buildMs, timings.deployMs], [2_000, 2_000]);
});

Deno.test("deploy sends the values of its flags", async () => {
  await using parts = await startParts({});
  const files = { "docker/prod.Dockerfile": "FROM scratch\n" };
  const flags = ["--branch", "feature/x", "--port", "3000", "--health-check-path", "/up"];
  const more = ["--command", "serve 'a b'", "--stop-signal", "quit", "--stop-timeout", "1m", "--init=false"];
  const check = [
    "--health-check-expect",
    "200,401",
    "--health-check-header",
    "X-Probe: 1",
    "--restart-after",
    "2m",
  ];
  const place = ["--region", "eu-1,us-1", "--region", "ap-1", "--ephemeral-storage", "1GiB"];
  await deploy({
    url: parts.plane.url,
    files,
    args: [".", "--dockerfile", "./docker/prod.Dockerfile", ...flags, ...more, ...check, ...place],
  });
  const [request] = parts.seen.creates;
  assert.equal(request?.branch, "feature/x");
  const { app } = request ?? {};
  assert.deepEqual([app?.port, app?.command, app?.init], [3000, ["serve", "a b"], false]);
  assert.deepEqual([app?.stopSignal, app?.stopSeconds, app?.ephemeralStorageMib], ["SIGQUIT", 60, 1_024]);
  assert.deepEqual(app?.regions, ["eu-1", "us-1", "ap-1"]);
  const { path, expectedStatus, headers, restartSeconds } = app?.healthCheck ?? {};
  assert.deepEqual([path, expectedStatus, headers, restartSeconds], [
    "/up",
    "200,401",
    { "x-probe": "1" },
    120,
  ]);
  assert.ok(request?.source.case === "buildContext");
  const { buildContextPath, dockerfilePath, dockerfile } = request.source.value;
  assert.deepEqual([buildContextPath, dockerfilePath], ["context/1", "docker/prod.Dockerfile"]);
  assert.equal(new TextDecoder().decode(dockerfile), "FROM scratch\n");
});

Deno.test("deploy uploads no context that is stored already", async () => {
  await using parts = await startParts({ alreadyStored: true });
  const { code, stderr } = await deploy({ url: parts.plane.url });
  assert.equal(code, 0);
  assert.match(stderr, /nothing to upload/);
  assert.equal(parts.seen.uploads.length, 0);
});

Deno.test("deploy --image needs no folder and uploads nothing", async () => {
  await using parts = await startParts({});
  const { code } = await deploy({ url: parts.plane.url, files: {}, args: ["--image", "shop:1"] });
  assert.equal(code, 0);
  assert.equal(parts.seen.uploadRequests.length, 0);
  assert.deepEqual(parts.seen.creates[0]?.source, { case: "dockerImage", value: "shop:1" });
});

Deno.test("deploy --detach returns with the id", async () => {
  await using parts = await startParts({ streams: [] });
  const { code, stdout } = await deploy({ url: parts.plane.url, args: ["--detach"] });
  assert.deepEqual([code, stdout], [0, "d_1\n"]);
  assert.deepEqual(parts.seen.resumedAfter, []);
  const json = resultOf(await deploy({ url: parts.plane.url, args: ["--detach", "--json"] }));
  assert.deepEqual([json.id, json.status, json.exitCode], ["d_1", "pending", 0]);
});

/** A stream that breaks turned successful deploys red elsewhere, and failed ones green. */
Deno.test("deploy resumes a lost stream behind the last event", async () => {
  const [first, second, ...rest] = GOES_WELL.events;
  assert.ok(first !== undefined && second !== undefined);
  const streams: Stream[] = [
    { events: [first], breaks: true },
    { events: [second], breaks: true },
    { ...GOES_WELL, events: rest },
  ];
  await using parts = await startParts({ streams });
  const { code, stderr } = await deploy({ url: parts.plane.url });
  assert.equal(code, 0, stderr);
  assert.deepEqual(parts.seen.resumedAfter, [0n, 1n, 2n]);
  assert.equal(stderr.match(/compiling/g)?.length, 1, "no event is shown twice");
});

Deno.test("deploy shows an event once that arrives twice", async () => {
  const streams: Stream[] = [{ events: GOES_WELL.events.slice(0, 4), breaks: true }, {
    ...GOES_WELL,
    repeats: true,
  }];
  await using parts = await startParts({ streams });
  const { code, stderr } = await deploy({ url: parts.plane.url });
  assert.equal(code, 0, stderr);
  assert.equal(stderr.match(/compiling/g)?.length, 1);
});

Deno.test("deploy takes the final state from GetDeployment, even if the stream said otherwise", async () => {
  const streams: Stream[] = [{
    events: [],
    breaks: true,
    then: { status: DeploymentStatus.READY, urls: ["http://x"] },
  }];
  await using parts = await startParts({ streams });
  const { code, stdout } = await deploy({ url: parts.plane.url });
  assert.deepEqual([code, stdout], [0, "http://x\n"]);
});

/** An api that is stopped ends its streams in order. */
Deno.test("deploy shows the rest of the output when the stream ended before its last event", async () => {
  const rest = GOES_WELL.events.slice(1);
  const streams: Stream[] = [{ ...GOES_WELL, events: GOES_WELL.events.slice(0, 1) }, { events: rest }];
  await using parts = await startParts({ streams });
  const { code, stderr } = await deploy({ url: parts.plane.url });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /compiling[^]*linking[^]*ok building/);
  assert.deepEqual(parts.seen.resumedAfter, [0n, 1n]);
});

Deno.test("deploy repeats an upload that the store could not take", async () => {
  await using parts = await startParts({ uploadAnswers: [503, 500] });
  const { code, stderr } = await deploy({ url: parts.plane.url });
  assert.equal(code, 0, stderr);
  assert.equal(parts.seen.uploads.length, 3);
  assert.equal(new Set(parts.seen.uploads.map((each) => each.sha256)).size, 1);
});

/** One lost answer gave several deployments elsewhere. */
Deno.test("deploy repeats a create under one key", async () => {
  await using parts = await startParts({ createsLost: 2 });
  const { code } = await deploy({ url: parts.plane.url });
  assert.equal(code, 0);
  const keys = parts.seen.creates.map((each) => each.idempotencyKey);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  assert.notEqual(keys[0], "");
});

Deno.test("deploy --json says in which phase it failed", async (t) => {
  const failed = (failureCode: string, errorMessage: string): Stream => ({
    events: [step("building", "running"), log("RUN false", ["no such command"]), step("building", "failed")],
    then: { status: DeploymentStatus.FAILED, failureCode, errorMessage },
  });
  const refused = (code: Code, text: string) => ({
    createDeployment: () => Promise.reject(new ConnectError(text, code)),
  });
  const cases: readonly {
    readonly name: string;
    readonly script: Parameters<typeof startParts>[0];
    readonly args?: readonly string[];
    readonly files?: Readonly<Record<string, string>>;
    readonly env?: Readonly<Record<string, string>>;
    readonly want: readonly [code: string, phase: string, exitCode: number];
    readonly says: RegExp;
  }[] = [
    {
      name: "a build that fails",
      script: { streams: [failed("build_failed", "RUN false ended with exit code 1")] },
      want: ["build_failed", "build", DEPLOY_EXIT.build],
      says: /RUN false ended with exit code 1/,
    },
    {
      name: "an app that crashes",
      script: { streams: [failed("crash_loop", "It exited with 7")] },
      want: ["crash_loop", "start", DEPLOY_EXIT.start],
      says: /exited with 7/,
    },
    {
      name: "a failure without a text",
      script: { streams: [{ events: [], then: { status: DeploymentStatus.SUPERSEDED } }] },
      want: ["superseded", "superseded", DEPLOY_EXIT.superseded],
      says: /A newer deployment/,
    },
    {
      name: "cancelled from elsewhere",
      script: { streams: [{ events: [], then: { status: DeploymentStatus.CANCELLED } }] },
      want: ["cancelled", "cancelled", DEPLOY_EXIT.cancelled],
      says: /What it had created is gone/,
    },
    {
      name: "a key that is not known",
      script: {},
      env: { UNKEY_ROOT_KEY: "unkey_wrong" },
      want: ["unauthenticated", "auth", 4],
      says: /does not accept the root key.*unkey login/,
    },
    {
      name: "a key that may not",
      script: { deployment: refused(Code.PermissionDenied, "The key lacks project.*.create_deployment.") },
      want: ["permission_denied", "auth", 4],
      says: /create_deployment/,
    },
    {
      name: "a project that is not there",
      script: {},
      args: ["--project", "shp"],
      want: ["not_found", "other", 1],
      says: /no project "shp".*Did you mean "shop"/,
    },
    {
      name: "a store that refuses",
      script: { uploadAnswers: [403, 403] },
      want: ["upload_failed", "upload", DEPLOY_EXIT.upload],
      says: /403: the disk is full/,
    },
    {
      name: "a context over the server's limit",
      script: {
        upload: { prepareContext: () => ({ limits: { contentBytesMax: 1_024n, filesMax: 10n } }) },
      },
      files: { "Dockerfile": "FROM scratch\n", "data/big": "x".repeat(5_000) },
      want: ["too_large", "context", DEPLOY_EXIT.context],
      says: /has 4\.9 KiB, and at most 1 KiB[\s\S]*4\.9 KiB {2}data\/[\s\S]*\.dockerignore/,
    },
    {
      name: "a pattern that is none",
      script: {},
      files: { "Dockerfile": "FROM scratch\n", ".dockerignore": "a\n[\n" },
      want: ["context_invalid", "context", DEPLOY_EXIT.context],
      says: /\.dockerignore, line 2: "\["/,
    },
    {
      name: "a wait that is over",
      script: { streams: [{ events: [], until: new Promise(() => undefined) }] },
      args: ["--timeout", "1s"],
      want: ["still_running", "wait", DEPLOY_EXIT.running],
      says: /goes on: "unkey attach d_1"/,
    },
  ];
  for (const { name, script, args = [], files, env = {}, want, says } of cases) {
    await t.step(name, async () => {
      await using parts = await startParts(script);
      const options = { url: parts.plane.url, args: ["--json", ...args], env };
      const deployed = await deploy(files === undefined ? options : { ...options, files });
      const { error, exitCode, urls, timings } = resultOf(deployed);
      assert.deepEqual([error?.code, error?.phase, exitCode], want, deployed.stdout);
      assert.match(error?.message ?? "", says);
      assert.deepEqual(urls, []);
      assert.ok(timings.totalMs !== undefined);
      assert.match(deployed.stderr, says, "the person at the terminal reads it too");
      assert.match(deployed.stdout + deployed.stderr, NO_ESCAPES);
    });
  }
});

Deno.test("deploy names the control plane that does not answer", async () => {
  const parts = await startParts({});
  await parts[Symbol.asyncDispose]();
  const deployed = await deploy({ url: parts.plane.url, args: ["--json"] });
  const { error, exitCode } = resultOf(deployed);
  assert.deepEqual([error?.code, error?.phase, exitCode], ["unavailable", "connect", 20]);
  assert.match(error?.message ?? "", new RegExp(parts.plane.url));
});

Deno.test("deploy shows the output of a build without its control characters", async () => {
  const lines = ["\x1b[31mred\x1b[0m", "50%\r100%", "\x07bell", "\x1b]0;title\x07text"];
  const streams: Stream[] = [{ ...GOES_WELL, events: [log("RUN x", lines), ...GOES_WELL.events] }];
  await using parts = await startParts({ streams });
  const { stderr } = await deploy({ url: parts.plane.url });
  assert.match(stderr, /\| red\n/);
  // deno-lint-ignore no-control-regex -- characters that must not be there
  assert.doesNotMatch(stderr, /[\x00-\x08\x0b-\x1f]/);
});

Deno.test("deploy says where it stands while it waits for a build slot, and each time that changes", async () => {
  const waiting = (place: string): Stream["events"][number] => ({
    case: "step",
    value: { name: "queued", status: "running", message: `Waiting for a build slot: ${place}.` },
  });
  const events = [
    waiting("1 build ahead, running now: d_7 of hello (production)"),
    waiting("next in line, running now: d_8 of hello (preview)"),
    step("queued", "done"),
    ...GOES_WELL.events,
  ];
  await using parts = await startParts({ streams: [{ ...GOES_WELL, events }] });
  const { code, stderr } = await deploy({ url: parts.plane.url });
  assert.equal(code, 0, stderr);
  assert.ok(
    stderr.includes(`.. Waiting for a build slot: 1 build ahead, running now: d_7 of hello (production)
.. Waiting for a build slot: next in line, running now: d_8 of hello (preview)
ok waiting for a build slot (2.0 s)
.. building
`),
    stderr,
  );
});
