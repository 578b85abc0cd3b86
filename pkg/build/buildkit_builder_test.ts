import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import {
  Control,
  type SolveRequest,
  type StatusResponse,
  StatusResponseSchema,
} from "../../proto/gen/moby/buildkit/v1/control_pb.ts";
import {
  CredentialsRequestSchema,
  CredentialsResponseSchema,
} from "../../proto/gen/moby/filesync/v1/auth_pb.ts";
import { systemClock } from "../clock/mod.ts";
import type { Engine } from "../docker/mod.ts";
import { Secret } from "../config/mod.ts";
import { isFault, publicFault } from "../fault/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import type { BuildRequest } from "./builder.ts";
import { createBuildkitBuilder, type Lease } from "./buildkit_builder.ts";
import type { Endpoint } from "./connection/connection.ts";
import { FRONTENDS_DEFAULT } from "./policy/source_policy.ts";
import { FakeBuildkit } from "./session/testing_buildkit.ts";
import { memoryTree } from "./session/testing.ts";

const IMAGE = "r.example/apps/ws_a/proj:d_1";
const DIGEST = `sha256:${"0".repeat(64)}`;

interface Bed {
  readonly solved: SolveRequest[];
  readonly released: Parameters<Lease["release"]>[0][];
  /** Images that the engine was asked to remove. */
  readonly removed: string[];
  readonly leases: () => number;
  build(changes?: Partial<BuildRequest>): ReturnType<ReturnType<typeof createBuildkitBuilder>["build"]>;
}

interface BedOptions {
  /** Steps that BuildKit reports before it solves. */
  readonly steps?: readonly string[];
  /** The end of a solve; by default it succeeds. */
  readonly solve?: (signal: AbortSignal, buildkit: FakeBuildkit) => Promise<void>;
  readonly endpoint?: Endpoint;
  readonly cancelled?: AbortSignal;
  /** Images stay in an engine; by default they are pushed. */
  readonly intoEngine?: boolean;
}

async function onBed(options: BedOptions, test: (bed: Bed) => Promise<void>): Promise<void> {
  const { steps = [], solve = () => Promise.resolve(), cancelled } = options;
  await using buildkit = await FakeBuildkit.start();
  const [solved, released]: [SolveRequest[], Bed["released"]] = [[], []];
  const removed: string[] = [];
  let leases = 0;
  const transport = createRouterTransport(({ service }) => {
    service(Control, {
      async solve(request, { signal }) {
        solved.push(request);
        await solve(signal, buildkit);
        return { exporterResponse: { "containerimage.digest": DIGEST } };
      },
      async *status(): AsyncGenerator<StatusResponse> {
        const vertexes = steps.map((name, at) => ({ digest: `sha256:${at}`, name }));
        yield await Promise.resolve(create(StatusResponseSchema, { vertexes }));
      },
    });
  });
  const endpoint: Endpoint = options.endpoint ?? {
    name: "fake",
    connect: () =>
      Promise.resolve({
        control: createClient(Control, transport),
        session: (fields, signal) => buildkit.connection.session(fields, signal),
        close: () => undefined,
      }),
  };
  const builder = createBuildkitBuilder({
    lease: () => {
      leases++;
      return Promise.resolve({
        endpoint,
        ...(cancelled === undefined ? {} : { cancelled }),
        release: (outcome) => Promise.resolve(void released.push(outcome)),
      });
    },
    destination: options.intoEngine ? { kind: "engine", engine: fakeEngine(removed) } : {
      kind: "registry",
      registry: { name: "r.example/apps", credentials: { username: "platform", password: new Secret("p") } },
    },
    rules: {
      deniedHosts: [],
      trustedRegistries: [],
      frontends: FRONTENDS_DEFAULT,
      privateNetworks: false,
    },
    clock: systemClock(),
    log: silentLogger(),
  });
  await test({
    solved,
    released,
    removed,
    leases: () => leases,
    build: (changes = {}) => builder.build({ ...REQUEST, ...changes }),
  });
}

function fakeEngine(removed: string[]): Engine {
  return {
    host: "fake",
    call: ({ method, path }) => {
      assert.equal(method, "DELETE");
      removed.push(path);
      return Promise.resolve(new Response("[]"));
    },
    close: () => undefined,
  };
}

const REQUEST: BuildRequest = {
  context: memoryTree({}),
  dockerfile: dockerfile("FROM scratch\n"),
  image: IMAGE,
  labels: { "dev.unkey.project": "proj" },
  options: { arguments: {}, noCache: false, pull: false },
  secrets: () => Promise.resolve(undefined),
  credentials: () => Promise.resolve(undefined),
  projectId: "proj",
  contextKey: "proj",
  cacheNamespace: "ws_a",
  signal: new AbortController().signal,
  onEvent: () => undefined,
};

function dockerfile(text: string): BuildRequest["dockerfile"] {
  return { path: "docker/Dockerfile", content: new TextEncoder().encode(text) };
}

function withArguments(args: Readonly<Record<string, string>>): BuildRequest["options"] {
  return { arguments: args, noCache: false, pull: false };
}

Deno.test("a frontend that is not allowed is refused before a machine is taken", async (t) => {
  const table: readonly (readonly [string, Partial<BuildRequest>, RegExp])[] = [
    ["by the Dockerfile", { dockerfile: dockerfile("# syntax=evil/x:1\n") }, /frontend evil\/x:1/],
    ["by a JSON file", { dockerfile: dockerfile('{"syntax": "evil/x"}') }, /frontend evil\/x/],
    [
      "by an argument",
      { options: withArguments({ BUILDKIT_SYNTAX: " evil/x:1 words" }) },
      /frontend evil\/x:1/,
    ],
    [
      "by an argument before the Dockerfile's own",
      {
        dockerfile: dockerfile("# syntax=docker/dockerfile:1\n"),
        options: withArguments({ BUILDKIT_SYNTAX: "docker/dockerfile.evil.com/x" }),
      },
      /docker\/dockerfile\.evil\.com\/x/,
    ],
  ];
  for (const [name, changes, message] of table) {
    await t.step(name, () =>
      onBed({}, async ({ build, leases, solved }) => {
        const outcome = await build(changes);
        assert.ok(outcome.kind === "failed");
        assert.equal(outcome.code, "build_failed");
        assert.match(outcome.message, message);
        assert.match(outcome.message, /# syntax=docker\/dockerfile:1/);
        assert.deepEqual([leases(), solved.length], [0, 0]);
      }));
  }
});

/** BuildKit would otherwise look for a frontend by itself, and older versions find other ones. */
Deno.test("BuildKit gets the frontend that was checked", async (t) => {
  const table:
    readonly (readonly [string, Partial<BuildRequest>, Readonly<Record<string, string | undefined>>])[] = [
      ["none", {}, { cmdline: "", "build-arg:BUILDKIT_SYNTAX": undefined }],
      ["none by an empty argument", { options: withArguments({ BUILDKIT_SYNTAX: " " }) }, { cmdline: "" }],
      ["behind another line", { dockerfile: dockerfile("# a\n# syntax=evil/x\n") }, { cmdline: "" }],
      [
        "by the Dockerfile",
        { dockerfile: dockerfile("# syntax=docker/dockerfile:1 x \n") },
        { cmdline: undefined, "build-arg:BUILDKIT_SYNTAX": "docker/dockerfile:1 x" },
      ],
      [
        "by an argument",
        {
          dockerfile: dockerfile("# syntax=docker/dockerfile:1\n"),
          options: withArguments({ BUILDKIT_SYNTAX: " docker/dockerfile:2\t" }),
        },
        { cmdline: undefined, "build-arg:BUILDKIT_SYNTAX": "docker/dockerfile:2" },
      ],
    ];
  for (const [name, changes, attrs] of table) {
    await t.step(name, () =>
      onBed({}, async ({ build, solved }) => {
        assert.equal((await build(changes)).kind, "built");
        const found = solved[0]?.frontendAttrs ?? {};
        for (const [key, value] of Object.entries(attrs)) assert.equal(found[key], value, key);
      }));
  }
});

Deno.test("a build cannot name the cache of another workspace, and its other options arrive", () =>
  onBed({}, async ({ build, solved, released }) => {
    const outcome = await build({
      options: {
        arguments: { BUILDKIT_CACHE_MOUNT_NS: "ws_b", A: "1=2" },
        target: "prod",
        platform: "linux/arm64",
        noCache: true,
        pull: true,
      },
    });
    assert.deepEqual(outcome, { kind: "built", image: `r.example/apps/ws_a/proj@${DIGEST}` });
    assert.deepEqual(released, ["built"]);
    const [request] = solved;
    assert.deepEqual(request?.frontendAttrs, {
      filename: "Dockerfile",
      "label:dev.unkey.project": "proj",
      "build-arg:BUILDKIT_CACHE_MOUNT_NS": "ws_a",
      "build-arg:A": "1=2",
      "image-resolve-mode": "pull",
      target: "prod",
      platform: "linux/arm64",
      "no-cache": "",
      cmdline: "",
    });
    assert.deepEqual(request?.exporters[0]?.attrs, { name: IMAGE, push: "true", "oci-mediatypes": "true" });
    const rules = request?.sourcePolicy?.rules.map(({ selector }) => selector?.identifier ?? "") ?? [];
    assert.ok(rules.some((rule) => rule.includes("r\\.example")), "the registry of built images has rules");
  }));

/** Later builds of strangers could read what stays in an engine by its name. */
Deno.test("a build that uses an image of the platform's own names is stopped", async (t) => {
  const untilStopped = (signal: AbortSignal): Promise<void> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new ConnectError("stopped", Code.Canceled)), {
        once: true,
      });
    });
  const steps = ["[internal] load metadata for unkey.local/ws_b/proj:d_2"];
  const image = "unkey.local/ws_a/proj:d_1";
  await t.step(
    "while it runs",
    () =>
      onBed({ intoEngine: true, steps, solve: untilStopped }, async ({ build, released, removed }) => {
        const outcome = await build({ image });
        assert.ok(outcome.kind === "failed");
        assert.match(outcome.message, /uses the image unkey\.local\/ws_b\/proj:d_2/);
        assert.deepEqual([released, removed.length], [["failed"], 1]);
      }),
  );
  await t.step(
    "at its end, and its image is removed",
    () =>
      onBed({ intoEngine: true, steps }, async ({ build, released, removed }) => {
        const outcome = await build({ image });
        assert.ok(outcome.kind === "failed");
        assert.match(outcome.message, /uses the image unkey\.local\/ws_b\/proj:d_2/);
        assert.deepEqual([released, removed.length], [["failed"], 1]);
      }),
  );
  await t.step("but not one that uses its own or a public one", () => {
    const own = [
      "[internal] load metadata for unkey.local/ws_a/proj:d_0",
      "[1/2] FROM docker.io/library/a:1",
    ];
    return onBed({ intoEngine: true, steps: own }, async ({ build, removed }) => {
      const outcome = await build({ image });
      assert.ok(outcome.kind === "built");
      assert.match(outcome.image, /^unkey\.local\/ws_a\/proj:d_1./, "its name cannot be guessed");
      assert.deepEqual(removed, []);
    });
  });
});

/** The workspace could have stored its own for the registry of built images, and pushes would fail. */
Deno.test("BuildKit pushes with the platform's credentials, and asks other registries with the workspace's", async (t) => {
  const table = [
    ["r.example", "platform p"],
    ["R.example", "platform p"],
    ["r.example:5000", "workspace of r.example:5000"],
    ["docker.io", "workspace of docker.io"],
  ] as const;
  for (const [host, expected] of table) {
    await t.step(host, async () => {
      let found = "";
      const solve = async (_signal: AbortSignal, buildkit: FakeBuildkit): Promise<void> => {
        const message = toBinary(CredentialsRequestSchema, create(CredentialsRequestSchema, { host }));
        const { bytes } = await buildkit.unary("/moby.filesync.v1.Auth/Credentials", message);
        const { username, secret } = fromBinary(CredentialsResponseSchema, bytes);
        found = `${username} ${secret}`;
      };
      await onBed({ solve }, async ({ build }) => {
        const credentials = (asked: string) =>
          Promise.resolve({ username: "workspace", password: new Secret(`of ${asked}`) });
        assert.equal((await build({ credentials })).kind, "built");
      });
      assert.equal(found, expected);
    });
  }
});

Deno.test("a machine is given back with the outcome of its build", async (t) => {
  const failing = () => Promise.reject(new ConnectError("dockerfile parse error", Code.InvalidArgument));
  await t.step("a failed build", () =>
    onBed({ solve: failing }, async ({ build, released }) => {
      assert.equal((await build()).kind, "failed");
      assert.deepEqual(released, ["failed"]);
    }));
  await t.step("a builder that does not answer", () =>
    onBed(
      { solve: () => Promise.reject(new ConnectError("gone", Code.Unavailable)) },
      async ({ build, released }) => {
        await assert.rejects(build(), (error) => isFault(error, "unavailable"));
        assert.deepEqual(released, ["stopped"]);
      },
    ));
  await t.step("a builder without a connection", () => {
    const endpoint = { name: "e", connect: () => Promise.reject(publicFault("unavailable", "No builder.")) };
    return onBed({ endpoint }, async ({ build, released }) => {
      await assert.rejects(build(), /No builder/);
      assert.deepEqual(released, ["stopped"]);
    });
  });
  await t.step("a machine that is taken away", async () => {
    const taken = new AbortController();
    const solve = (signal: AbortSignal): Promise<void> => {
      taken.abort(publicFault("cancelled", "Depot stopped the build."));
      return new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason), { once: true })
      );
    };
    await onBed({ solve, cancelled: taken.signal }, async ({ build, released }) => {
      await assert.rejects(build(), (error) => isFault(error, "cancelled"));
      assert.deepEqual(released, ["stopped"]);
    });
  });
});
