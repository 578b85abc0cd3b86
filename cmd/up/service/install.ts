/** `unkey up --install`: the platform as a service of systemd, set up or upgraded. */
import { join } from "node:path";
import type { Process } from "../../../pkg/cli/mod.ts";
import type { Sources } from "../../../pkg/config/mod.ts";
import { openEngine, parseHost } from "../../../pkg/docker/mod.ts";
import { publicFault } from "../../../pkg/fault/mod.ts";
import { createRpcClient } from "../../../pkg/rpc/mod.ts";
import { AdminService } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { readLocalPlatform } from "../../shared/local_platform.ts";
import { hasCertificate } from "../certificate_wait.ts";
import type { UpConfig } from "../config.ts";
import { checkDocker } from "../engine.ts";
import { type Place, placeOf, publicApiUrlOf } from "../place.ts";
import { checkPorts } from "../ports.ts";
import { preflight, preflightOptions } from "../preflight/mod.ts";
import { createProgress, type Progress } from "../progress.ts";
import {
  DATA_FOLDER,
  EDGE_UNIT,
  PLATFORM_UNIT,
  PROGRAM,
  SECOND_EDGE_UNIT,
  SETTINGS_FILE,
  SOCKET_UNIT,
  UNIT_FOLDER,
} from "../../shared/service_paths.ts";
import { type InstalledProgram, installProgram } from "./program.ts";
import { mergeSettings, readSettings, writeSettings } from "./settings.ts";
import { isActive, requireSystemd, systemctl } from "./systemd.ts";
import { unitFiles } from "./units.ts";

const CERTIFICATE_MS_MAX = 60_000;
const CODE_SECONDS = 600n;

/**
 * Sets the service up with the settings of this call, or upgrades the one that is there: apps are served all the time.
 *
 * @throws `failed_precondition` that says what is missing; what was changed by then stays and is taken up by the next call
 */
export async function install(sources: Sources, process: Process): Promise<void> {
  await requireSystemd();
  const { values, config } = mergeSettings(await readSettings(SETTINGS_FILE), sources);
  if (config.domain === undefined) {
    throw publicFault("invalid_argument", "--domain (UNKEY_DOMAIN) is required with --install.");
  }
  const place = placeOf(config);
  const progress = createProgress(process);
  const isUpgrade = await isActive(PLATFORM_UNIT);
  const docker = await progress.step("docker", () => dockerOf(config, process), ({ version }) => version);
  if (!await isActive(SOCKET_UNIT)) await checkEdgePorts(place);
  for (const { subject, text } of await preflight(preflightOptions(config, place), process.signal)) {
    progress.notice(subject, text);
  }
  const program = await progress.step(
    "program",
    () => installProgram(config.program ?? programOf(sources, process), PROGRAM),
    () => PROGRAM,
  );
  await progress.step("settings", () => writeSettings(SETTINGS_FILE, values), () => SETTINGS_FILE);
  const options = {
    httpPort: place.edgePort,
    httpsPort: place.edgeHttpsPort ?? 443,
    dockerGroup: docker.group,
  };
  const socketChanged = await progress.step("units", () => writeUnits(options), () => UNIT_FOLDER);
  await progress.step("platform", () => startPlatform(program, isUpgrade), () => PLATFORM_UNIT);
  await progress.step("edge", () => startEdge(socketChanged), () => EDGE_UNIT);
  await program.keep();
  await finish({ config, place, progress, isUpgrade }, process);
}

function programOf(sources: Sources, process: Process): string {
  const given = sources.flags.get("program") ?? sources.env("UNKEY_UP_PROGRAM");
  return typeof given === "string" && given !== "" ? given : process.executable;
}

interface DockerFound {
  readonly version: string;
  /** Of its socket. */
  readonly group: string | undefined;
}

async function dockerOf({ dockerHost }: UpConfig, { env, signal }: Process): Promise<DockerFound> {
  const engine = openEngine(dockerHost);
  try {
    const { version } = await checkDocker(engine, env, signal);
    const address = parseHost(dockerHost);
    const socket = address.kind === "unix" ? address.path : undefined;
    return { version, group: socket === undefined ? undefined : await groupOf(socket) };
  } finally {
    engine.close();
  }
}

/** The group that may use a socket. @throws `failed_precondition` when it has no name, which systemd needs */
async function groupOf(socket: string): Promise<string> {
  const gid = String((await Deno.stat(socket)).gid ?? 0);
  const { stdout } = await new Deno.Command("getent", { args: ["group", gid], stdin: "null" }).output();
  const [name = ""] = new TextDecoder().decode(stdout).split(":");
  if (name !== "") return name;
  throw publicFault(
    "failed_precondition",
    `The group ${gid} of ${socket} has no name here. Give it one: "groupadd --gid ${gid} docker".`,
  );
}

async function checkEdgePorts({ edgeHost: host, edgePort, edgeHttpsPort }: Place): Promise<void> {
  await checkPorts([
    { part: "the edge", port: edgePort, host, flag: "edge-port" },
    { part: "https://", port: edgeHttpsPort ?? 443, host, flag: "edge-https-port" },
  ]);
}

/** True if the ports of the edge are others than before. */
async function writeUnits(options: Parameters<typeof unitFiles>[0]): Promise<boolean> {
  let socketChanged = false;
  for (const [name, text] of Object.entries(unitFiles(options))) {
    const path = join(UNIT_FOLDER, name);
    const former = await Deno.readTextFile(path).catch(() => "");
    if (name === SOCKET_UNIT) socketChanged = former !== text && former !== "";
    await Deno.writeTextFile(path, text, { mode: 0o644 });
  }
  await systemctl("daemon-reload");
  return socketChanged;
}

/** Returns when it does its work. Where the new version does not start, the former one is started again. */
async function startPlatform(program: InstalledProgram, isUpgrade: boolean): Promise<void> {
  await systemctl("enable", PLATFORM_UNIT);
  try {
    await systemctl(isUpgrade ? "restart" : "start", PLATFORM_UNIT);
  } catch (error) {
    if (!await program.restore()) throw error;
    await systemctl("restart", PLATFORM_UNIT);
    const text = error instanceof Error ? error.message : String(error);
    throw publicFault(
      "failed_precondition",
      `The new version did not start; the former one runs again.\n${text}`,
      error,
    );
  }
}

/**
 * Starts the edge, or replaces the one that runs. A second edge serves from the same sockets meanwhile: no connection waits
 * for the drain of the first one.
 */
async function startEdge(socketChanged: boolean): Promise<void> {
  await systemctl("enable", EDGE_UNIT);
  if (socketChanged) {
    await systemctl("stop", EDGE_UNIT);
    await systemctl("restart", SOCKET_UNIT);
  }
  if (!await isActive(EDGE_UNIT)) return void await systemctl("start", EDGE_UNIT);
  await systemctl("start", SECOND_EDGE_UNIT);
  try {
    await systemctl("restart", EDGE_UNIT);
  } finally {
    await systemctl("stop", SECOND_EDGE_UNIT);
  }
}

interface Finish {
  readonly config: UpConfig;
  readonly place: Place;
  readonly progress: Progress;
  readonly isUpgrade: boolean;
}

async function finish({ config, place, progress, isUpgrade }: Finish, process: Process): Promise<void> {
  const { signal, clock, stdout } = process;
  const host = place.apiHost ?? "";
  const url = publicApiUrlOf(place) ?? "";
  await progress.step(
    "certificate",
    () => hasCertificate(place, { signal, clock, waitMs: CERTIFICATE_MS_MAX }),
    (has) => has ? host : `${host} has none yet; it is tried again, and "journalctl -u unkey" says why`,
  );
  if (isUpgrade) return stdout(`upgraded: ${url}\n`);
  const local = await readLocalPlatform("/", DATA_FOLDER);
  const admin = createRpcClient(AdminService, {
    baseUrl: local.apiUrl,
    token: local.serviceToken,
  });
  const request = { workspaceId: local.workspaceId, permissions: ["*"], validSeconds: CODE_SECONDS };
  const { code } = await admin.createLoginCode(request, { signal });
  stdout(`ready: ${url}
  login   unkey login ${url}     on your own machine, within ten minutes
  code    ${code}
  next    unkey deploy <folder with a Dockerfile> --project ${config.project}
  logs    journalctl -u unkey -u unkey-edge
`);
}
