/** For every command and every exit code that it can give: a call that gives it. */
import { DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type DeploymentTasksTable, saveOpenApi } from "../../../svc/ctrl/internal/store/mod.ts";
import { deployImage, move } from "../../../svc/ctrl/services/testing.ts";
import { route } from "../../../svc/ctrl/services/testing_agents.ts";
import { setLive } from "../../../svc/ctrl/services/testing_lifecycle.ts";
import type { Ending } from "./lives.ts";
import type { World } from "./world.ts";
import { type Call, cron, developer, full, local, NOWHERE, operator, type Row } from "./exit_code_rows.ts";
import { BUILD_INFO, startReleases } from "../../../cmd/upgrade/testing.ts";
import { PROTECTION } from "./exit_code_protection.ts";
import { PLANS } from "./exit_code_plans.ts";
import { gradualAborted } from "./gradual_aborted.ts";
import { SERVICES } from "./exit_code_services.ts";

const failing = (failureCode: NonNullable<Ending["failureCode"]>) => (world: World): void => {
  world.bed.ending = { status: "failed", failureCode };
};
const ending = (status: "cancelled" | "superseded") => (world: World): void => {
  world.bed.ending = { status };
};
const holding = (world: World): void => {
  world.bed.mayEnd = world.disposed;
};

/** Calls of a command that follows a deployment; the world gives the deployment its end. */
function following(args: readonly string[], failed: Call): Row {
  return developer(args, {
    1: failed,
    10: { args, prepare: failing("dockerfile_missing") },
    12: { args, prepare: failing("build_failed") },
    13: { args, prepare: failing("crash_loop") },
    14: { args, prepare: failing("host_taken") },
    15: { args, prepare: ending("cancelled") },
    16: { args, prepare: ending("superseded") },
    17: { args: [...args, "--timeout", "1s"], prepare: holding },
    19: { args, prepare: failing("release_failed") },
    130: { args, prepare: holding, signals: { after: ".. building" } },
  });
}

/** The same for one that the test has created: it takes the place of the word `NEW`. */
function attaching(): Row {
  const row = following(["attach", "NEW"], { args: ["attach", "d_none"] });
  const create = (call: Call): Call => ({
    ...call,
    prepare: async (world) => {
      await call.prepare?.(world);
      world.words["NEW"] = await deployImage(world.bed.api, world.bed.tenant);
    },
  });
  return Object.fromEntries(Object.entries(row).map(([code, call]) => [code, create(call)]));
}

/** Two deployments, of which the later one lacks the operation of the former. */
async function withDocuments({ bed: { api, tenant }, words }: World): Promise<void> {
  for (const [word, paths] of [["FORMER", { "/pets": { get: {} } }], ["NEW", {}]] as const) {
    const deploymentId = await deployImage(api, tenant);
    words[word] = deploymentId;
    await saveOpenApi(api.db.kysely, {
      deploymentId,
      workspaceId: tenant.workspaceId,
      path: "/openapi.json",
      body: new TextEncoder().encode(JSON.stringify({ openapi: "3.1.0", paths })),
      problem: "",
      version: "3.1.0",
      operations: 1,
      readAtMs: 1,
    });
  }
}

/** A run that has ended, which a call with its key follows. */
const ran = (end: Partial<DeploymentTasksTable>) => async ({ bed: { api, life, tenant } }: World) => {
  const client = api.client(DeploymentService, tenant.rootKey);
  const { run } = await client.createRun({ deploymentId: life.d3, command: ["true"], idempotencyKey: "k" });
  await api.db.kysely.updateTable("deployment_tasks").set({ ended_at: 1, deadline_at: null, ...end })
    .where("run_id", "=", run?.id ?? "").execute();
};

const hangs = <T>(world: World): Promise<T> =>
  world.disposed.then(() => Promise.reject(new Error("the test is over")));

const SWITCH_HANGS = (world: World): void => {
  world.bed.api.workflows.rollback = () => hangs(world);
  world.bed.api.workflows.promote = () => hangs(world);
  world.bed.api.workflows.onStart = () => hangs(world);
};

function operation(args: readonly string[], row: Partial<Row>): Row {
  const [name = ""] = args;
  return developer(args, {
    1: { args: [name, "d_none", "--yes"].filter((word) => word !== "--yes" || args.includes(word)) },
    17: { args: [...args, "--timeout", "1s"], prepare: SWITCH_HANGS },
    ...row,
  });
}

const stopped = (world: World): Promise<void> => move(world.bed.api, world.bed.life.d3, "stopped");
const failed = (world: World): Promise<void> => move(world.bed.api, world.bed.life.d3, "failed");
const project = ["--project", "shop", "--env", "production"];
const RUN = ["run", "--deployment", "D3", "--idempotency-key", "k", "true"];
const nosuch = (...args: readonly string[]): Call => ({ args: [...args, "--project", "nosuch"] });

const SHOP = ["--project", "shop"];

/** The same for a command about a domain, which is there unless the command adds it. Its DNS is away. */
function domain(args: readonly string[], row: Row & { readonly 1: Call }): Row {
  const config = {
    domainTarget: "cname.apps.test",
    domainResolver: "127.0.0.1:1",
    domainNameservers: ["127.0.0.1:1"],
  };
  const prepare = args[1] === "add" ? undefined : (world: World) => world.addDomain("shop.example.com");
  return Object.fromEntries(
    Object.entries(developer(args, row)).map(([code, call]) => [code, {
      ...call,
      config,
      ...(prepare === undefined || code === "20" ? {} : { prepare }),
    }]),
  );
}

/** By the words of the command, then by exit code. */
export const CALLS: Readonly<Record<string, Row>> = {
  "init": developer(["init", "FOLDER", "--create"], {
    1: { args: ["init", "FOLDER", "--create"], prepare: (world) => world.write("unkey.json", "{}") },
    2: nosuch("init", "FOLDER"),
  }),
  "deploy": {
    ...following(["deploy", "--image", "nginx:1", ...project], nosuch("deploy", "--image", "nginx:1")),
    10: { args: ["deploy", "FOLDER", ...project] },
    11: {
      args: ["deploy", "FOLDER", ...project],
      config: { buildFilesExternalUrl: NOWHERE },
      prepare: (world) => world.write("Dockerfile", "FROM scratch\n"),
    },
  },
  "attach": attaching(),
  "login": developer(["login"], {
    1: { args: ["login", "--api-base-url", "ftp://x"] },
    4: { args: ["login"], env: { UNKEY_ROOT_KEY: "unkey_wrong" } },
  }),
  "status": developer(["status", "D2"], { 1: { args: ["status", "d_none"] } }),
  "trace": developer(["trace", "D2"], { 1: { args: ["trace", "d_none"] } }),
  "metrics": developer(["metrics", "D2"], { 1: { args: ["metrics", "d_none"] } }),
  "logs": developer(["logs", "D2"], { 1: { args: ["logs", "d_none"] } }),
  "rollback": operation(["rollback", "D1", "--yes"], {
    18: { args: ["rollback", "D3", "--yes"], prepare: failed },
  }),
  "promote": operation(["promote", "D3", "--yes"], {
    18: { args: ["promote", "D3", "--yes"], prepare: failed },
    21: { args: ["promote", "D3", "--gradual", "--yes"], prepare: gradualAborted },
  }),
  "cancel": operation(["cancel", "D1", "--yes"], {
    0: { args: ["cancel", "D3"], prepare: failed },
    17: {
      args: ["cancel", "NEW", "--timeout", "1s"],
      prepare: async (world) => {
        holding(world);
        world.words["NEW"] = await deployImage(world.bed.api, world.bed.tenant);
      },
    },
    18: {
      args: ["cancel", "D1", "--yes"],
      prepare: ({ bed: { api, life: { environmentId, d1, d2 } } }) =>
        setLive(api, environmentId, d2, d1, true),
    },
  }),
  "stop": developer(["stop", "D3"], { 1: { args: ["stop", "d_none"] }, 18: { args: ["stop", "D2"] } }),
  "start": operation(["start", "D3"], {
    17: {
      args: ["start", "D3", "--timeout", "1s"],
      prepare: async (world) => {
        await stopped(world);
        SWITCH_HANGS(world);
      },
    },
    18: { args: ["start", "D3"], prepare: failed },
  }),
  "run": {
    0: { args: RUN, prepare: ran({ state: "succeeded", exit_code: 0 }) },
    1: { args: RUN, prepare: ran({ state: "failed", exit_code: 1 }) },
    2: { args: ["run", "--no-such-flag"] },
    124: { args: RUN, prepare: ran({ state: "failed", reason: "timed_out", exit_code: 137 }) },
    125: { args: RUN, env: { UNKEY_API_BASE_URL: NOWHERE } },
    130: { args: ["run", ...project, "true"], env: { UNKEY_API_BASE_URL: "HOLDS" }, signals: {} },
  },
  "list": developer(["list"], { 1: nosuch("list") }),
  "open": developer(["open", "--print", ...project], {
    0: {
      args: ["open", "--print", ...project],
      prepare: ({ bed: { api, tenant, life } }) => route(api, tenant, "shop-acme.localhost", life.d2),
    },
    1: { args: ["open", "--print", "--project", "shop"] },
  }),
  "scale": developer(["scale", "production", "--memory", "256", "--project", "shop"], {
    1: nosuch("scale", "production", "--memory", "256"),
  }),
  ...PROTECTION,
  ...PLANS,
  "redeploy": following(["redeploy", "D2"], { args: ["redeploy", "d_none"] }),
  "environments list": developer(["environments", "list", "--project", "shop"], {
    1: nosuch("environments", "list"),
  }),
  "environments create": developer(["environments", "create", "qa", "--project", "shop"], {
    1: { args: ["environments", "create", "production", "--project", "shop"] },
  }),
  "environments set": developer(["environments", "set", "preview", "--idle-end", "7d", "--project", "shop"], {
    1: nosuch("environments", "set", "preview", "--idle-end", "7d"),
  }),
  "environments delete": developer(["environments", "delete", "qa", "--yes", "--project", "shop"], {
    0: {
      args: ["environments", "delete", "qa", "--yes", "--project", "shop"],
      prepare: (world) => world.createEnvironment("qa"),
    },
    1: { args: ["environments", "delete", "qa", "--yes", "--project", "shop"] },
  }),
  "domains list": developer(["domains", "list", ...SHOP], { 1: nosuch("domains", "list") }),
  "domains add": domain(["domains", "add", "shop.example.com", ...SHOP], {
    1: { args: ["domains", "add", "10.0.0.1", ...SHOP] },
  }),
  "domains verify": domain(["domains", "verify", "shop.example.com", ...SHOP], {
    1: { args: ["domains", "verify", "no.example.com", ...SHOP] },
  }),
  "domains retry": domain(["domains", "retry", "shop.example.com", ...SHOP], {
    1: { args: ["domains", "retry", "no.example.com", ...SHOP] },
  }),
  "domains set": domain(["domains", "set", "shop.example.com", "--serve", ...SHOP], {
    1: { args: ["domains", "set", "no.example.com", "--serve", ...SHOP] },
  }),
  "domains remove": domain(["domains", "remove", "shop.example.com", "--yes", ...SHOP], {
    1: { args: ["domains", "remove", "no.example.com", "--yes", ...SHOP] },
  }),
  "crons pause": cron(["crons", "pause", "cleanup", ...project]),
  "crons resume": cron(["crons", "resume", "cleanup", ...project]),
  "variables list": developer(["variables", "list", ...project], { 1: nosuch("variables", "list") }),
  "variables set": following(
    ["variables", "set", "A=1", "--redeploy", ...project],
    nosuch("variables", "set", "A=1"),
  ),
  "variables remove": Object.fromEntries(
    Object.entries(
      following(["variables", "remove", "A", "--redeploy", ...project], nosuch("variables", "remove", "A")),
    ).map(([code, call]) => [code, {
      ...call,
      prepare: async (world: World) => {
        await world.setVariable("A");
        await call.prepare?.(world);
      },
    }]),
  ),
  "registries list": developer(["registries", "list"], { 1: full("registries", "list") }),
  "registries add": Object.fromEntries(
    Object.entries(
      developer(["registries", "add", "ghcr.io", "--username", "acme", "--password-stdin"], {
        1: { args: ["registries", "add", "ghcr.io/acme", "--username", "acme", "--password-stdin"] },
      }),
    ).map(([code, call]) => [code, { ...call, stdin: "s3cret\n" }]),
  ),
  "registries remove": developer(["registries", "remove", "ghcr.io"], {
    0: { args: ["registries", "remove", "ghcr.io"], prepare: (world) => world.addRegistry("ghcr.io") },
    1: { args: ["registries", "remove", "ghcr.io"] },
  }),
  "keys list": developer(["keys", "list"], { 1: full("keys", "list") }),
  "keys create": developer(["keys", "create", "ci"], { 1: full("keys", "create", "ci") }),
  "keys revoke": developer(["keys", "revoke", "KEY"], {
    0: {
      args: ["keys", "revoke", "KEY"],
      prepare: async (world) => void (world.words["KEY"] = await world.createKey()),
    },
    1: { args: ["keys", "revoke", "key_none"] },
  }),
  "dashboard": developer(["dashboard", "--print"], { 1: full("dashboard", "--print") }),
  "sessions list": developer(["sessions", "list"], { 1: full("sessions", "list") }),
  "sessions revoke": developer(["sessions", "revoke", "SESSION"], {
    0: {
      args: ["sessions", "revoke", "SESSION"],
      prepare: async (world) => void (world.words["SESSION"] = await world.startSession()),
    },
    1: { args: ["sessions", "revoke", "sess_none"] },
  }),
  "audit": developer(["audit"], { 1: nosuch("audit") }),
  "openapi diff": developer(["openapi", "diff", "FORMER", "NEW"], {
    0: { args: ["openapi", "diff", "FORMER", "NEW"], prepare: withDocuments },
    1: { args: ["openapi", "diff", "d_none"] },
  }),
  "limits": developer(["limits"], { 1: full("limits") }),
  "admin workspaces list": operator(["admin", "workspaces", "list"], full("admin", "workspaces", "list")),
  "admin workspaces create": operator(["admin", "workspaces", "create", "other"], {
    args: ["admin", "workspaces", "create", "acme"],
  }),
  "admin limits list": operator(["admin", "limits", "list", "acme"], {
    args: ["admin", "limits", "list", "nosuch"],
  }),
  "admin limits set": operator(["admin", "limits", "set", "acme", "projects", "7"], {
    args: ["admin", "limits", "set", "nosuch", "projects", "7"],
  }),
  "admin login-codes create": operator(
    ["admin", "login-codes", "create", "--workspace", "acme"],
    full("admin", "login-codes", "create", "--workspace", "acme"),
  ),
  "admin region-tokens list": operator(
    ["admin", "region-tokens", "list"],
    full("admin", "region-tokens", "list"),
  ),
  "admin region-tokens create": operator(
    ["admin", "region-tokens", "create", "eu-1"],
    full("admin", "region-tokens", "create", "eu-1"),
  ),
  "admin region-tokens revoke": Object.fromEntries(
    Object.entries(
      operator(["admin", "region-tokens", "revoke", "TOKEN"], {
        args: ["admin", "region-tokens", "revoke", "rt_none"],
      }),
    ).map(([code, call]) => [code, {
      ...call,
      prepare: async (world: World) => void (world.words["TOKEN"] = await world.createRegionToken()),
    }]),
  ),
  "context explain": local(["context", "explain"]),
  "config show": local(["config", "show"]),
  "config schema": local(["config", "schema"]),
  "completions": local(["completions", "bash"]),
  "version": local(["version"]),
  "upgrade": {
    0: {
      args: ["upgrade", "--check", "--release-url", "RELEASES"],
      buildInfo: BUILD_INFO,
      prepare: async (world) => {
        const releases = startReleases();
        void world.disposed.then(() => releases[Symbol.asyncDispose]());
        await releases.publish("0.2.0");
        world.words["RELEASES"] = releases.url;
      },
    },
    1: { args: ["upgrade"] },
    2: { args: ["upgrade", "--no-such-flag"] },
    20: { args: ["upgrade", "--release-url", NOWHERE], buildInfo: BUILD_INFO },
    130: { args: ["upgrade", "--release-url", "HOLDS"], buildInfo: BUILD_INFO, signals: {} },
  },
  "healthcheck": {
    0: { args: ["healthcheck", "API/health/live"] },
    1: { args: ["healthcheck", `${NOWHERE}/`] },
    2: { args: ["healthcheck", "ftp://x"] },
    130: { args: ["healthcheck", "HOLDS"], signals: {} },
  },
  ...SERVICES,
};
