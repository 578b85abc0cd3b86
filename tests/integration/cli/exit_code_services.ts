/** Calls of services and of the commands that work on the database. */
import { SERVICE_TOKEN } from "../../../svc/ctrl/services/testing.ts";
import { NOWHERE, type Row } from "./exit_code_rows.ts";
import type { World } from "./world.ts";

const DATABASE = { UNKEY_DATABASE_PRIMARY: "sqlite://FOLDER/ctrl.db" };
const NO_DATABASE = { UNKEY_DATABASE_PRIMARY: "mysql://root@127.0.0.1:1/none" };
const KEYS = { UNKEY_VAULT_MASTER_KEYS: btoa("a master key for the tests here.") };

const BUILDS = {
  UNKEY_BUILD_NETWORK: "trusted",
  UNKEY_BUILD_FILES_DIR: "FOLDER",
  UNKEY_BUILD_FILES_URL: NOWHERE,
  UNKEY_RESTATE_ADMIN_URL: NOWHERE,
  UNKEY_RESTATE_INGRESS_URL: NOWHERE,
  UNKEY_WORKER_HTTP_PORT: "FREE1",
  UNKEY_RESTATE_HTTP_PORT: "FREE2",
};
const EDGE = {
  UNKEY_CONTROL_PLANE_URL: NOWHERE,
  UNKEY_CONTROL_PLANE_BEARER: "token",
  UNKEY_REGION: "eu-1",
  UNKEY_ENVIRONMENT_ID: "env_1",
  UNKEY_HTTP_PORT: "0",
};
const API = {
  ...KEYS,
  UNKEY_AUTH_TOKEN: SERVICE_TOKEN,
  UNKEY_BUILD_FILES_DIR: "FOLDER",
  UNKEY_HTTP_PORT: "0",
};
const UP = ["up", "--data-dir", "FOLDER/up", "--api-port", "FREE1", "--edge-port", "FREE2"];

/** A service that starts, and that ends at a signal; the second call fails at a port that is taken. */
function service(args: readonly string[], env: Readonly<Record<string, string>>, after: string): Row {
  return {
    0: { args, env, signals: { after } },
    1: { args: [...args, "--http-port", "TAKEN"], env },
    2: { args: [...args, "--no-such-flag"] },
  };
}

const OTHER_DATABASE = { UNKEY_DATABASE_PRIMARY: "sqlite://FOLDER/other.db" };
const backedUp = async (world: World): Promise<unknown> => {
  await migrated(world);
  return await world.run({ args: ["ctrl", "backup", "FOLDER/backup"], env: DATABASE });
};

const PREFLIGHT_UP = ["preflight", ...UP];

/** A server without TLS that takes requests and never answers, as Docker's clients name it. */
const holdingHost = (world: World): void => {
  world.words["HOST"] = new URL(world.words["HOLDS"] ?? "").host;
};

/** A Restate whose two APIs answer while the world is there. */
function restate(world: World): void {
  const stop = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen: () => undefined },
    () => Response.json({ version: "1.7.12" }),
  );
  world.words["RESTATE"] = `http://127.0.0.1:${server.addr.port}`;
  void world.disposed.then(() => stop.abort());
}

function preflight(part: string, env: Readonly<Record<string, string>>): Row {
  const args = ["preflight", part];
  const at = (url: string) => ({
    ...DATABASE,
    ...env,
    UNKEY_RESTATE_ADMIN_URL: url,
    UNKEY_RESTATE_INGRESS_URL: url,
  });
  return {
    0: { args, env: at("RESTATE"), prepare: restate },
    1: { args, env: at(NOWHERE) },
    2: { args: [...args, "--no-such-flag"] },
    130: { args, env: at("HOLDS"), signals: {} },
  };
}

const migrated = (world: World): Promise<unknown> => world.run({ args: ["ctrl", "migrate"], env: DATABASE });

export const SERVICES: Readonly<Record<string, Row>> = {
  "up": {
    0: { args: UP, signals: { after: "Ctrl-C stops everything" } },
    1: { args: [...UP, "--edge-port", "TAKEN"] },
    2: { args: [...UP, "--no-such-flag"] },
    130: { args: UP, signals: { after: "ok docker" } },
  },
  "ctrl api": {
    ...service(["ctrl", "api"], { ...DATABASE, ...API }, "ctrl api serves"),
    20: { args: ["ctrl", "api"], env: { ...NO_DATABASE, ...API } },
  },
  "ctrl worker": {
    0: {
      args: ["ctrl", "worker"],
      env: { ...DATABASE, ...KEYS, ...BUILDS },
      prepare: migrated,
      signals: { after: "cannot register with restate" },
    },
    1: {
      args: ["ctrl", "worker"],
      env: { UNKEY_DATABASE_PRIMARY: "sqlite:///none/ctrl.db", ...KEYS, ...BUILDS },
    },
    2: { args: ["ctrl", "worker", "--no-such-flag"] },
    20: { args: ["ctrl", "worker"], env: { ...NO_DATABASE, ...KEYS, ...BUILDS } },
  },
  "krane": {
    ...service(["krane"], { ...EDGE, UNKEY_KRANE_STATE_DIR: "FOLDER/krane" }, "agent started"),
    20: { args: ["krane"], env: { ...EDGE, DOCKER_HOST: "unix:///none" } },
  },
  "frontline": service(["frontline"], EDGE, "route watch failed"),
  "sentinel": service(["sentinel"], EDGE, "route watch failed"),
  "preflight up": {
    0: { args: PREFLIGHT_UP },
    1: { args: [...PREFLIGHT_UP, "--edge-port", "TAKEN"] },
    2: { args: [...PREFLIGHT_UP, "--no-such-flag"] },
    130: { args: PREFLIGHT_UP, env: { DOCKER_HOST: "tcp://HOST" }, prepare: holdingHost, signals: {} },
  },
  "preflight api": preflight("api", API),
  "preflight worker": preflight("worker", { ...KEYS, ...BUILDS }),
  "ctrl migrate": {
    0: { args: ["ctrl", "migrate"], env: DATABASE },
    1: {
      args: ["ctrl", "migrate"],
      env: DATABASE,
      prepare: (world) => world.write("ctrl.db", "no database"),
    },
    2: { args: ["ctrl", "migrate"] },
    20: { args: ["ctrl", "migrate"], env: NO_DATABASE },
  },
  "ctrl backup": {
    0: { args: ["ctrl", "backup", "FOLDER/backup"], env: DATABASE, prepare: migrated },
    1: { args: ["ctrl", "backup", "FOLDER"], env: DATABASE, prepare: migrated },
    2: { args: ["ctrl", "backup"] },
    20: { args: ["ctrl", "backup", "FOLDER/backup"], env: NO_DATABASE },
  },
  "ctrl restore": {
    0: { args: ["ctrl", "restore", "FOLDER/backup"], env: OTHER_DATABASE, prepare: backedUp },
    1: { args: ["ctrl", "restore", "FOLDER/none"], env: OTHER_DATABASE },
    2: { args: ["ctrl", "restore"] },
    20: { args: ["ctrl", "restore", "FOLDER/backup"], env: NO_DATABASE, prepare: backedUp },
  },
  "ctrl rotate-keys": {
    0: {
      args: ["ctrl", "rotate-keys"],
      env: { ...DATABASE, ...KEYS },
      prepare: migrated,
    },
    1: {
      args: ["ctrl", "rotate-keys"],
      env: { ...DATABASE, ...KEYS },
      prepare: (world) => world.write("ctrl.db", "no database"),
    },
    2: { args: ["ctrl", "rotate-keys"] },
    20: { args: ["ctrl", "rotate-keys"], env: { ...NO_DATABASE, ...KEYS } },
  },
};
