/** `unkey up --uninstall`: removes the service, its apps and, after a question, its data. */
import { join } from "node:path";
import type { Process } from "../../../pkg/cli/mod.ts";
import { LOCAL_REGISTRY } from "../../../pkg/build/mod.ts";
import { type Engine, listImages, openEngine, removeImage } from "../../../pkg/docker/mod.ts";
import { describeError, publicFault } from "../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import type { UpConfig } from "../config.ts";
import { removeAppContainers } from "../containers.ts";
import { dataFolder, readState } from "../data_folder.ts";
import { createProgress } from "../progress.ts";
import {
  CACHE_FOLDER,
  DATA_FOLDER,
  EDGE_UNIT,
  PLATFORM_UNIT,
  PROGRAM,
  SECOND_EDGE_UNIT,
  SETTINGS_FILE,
  SETTINGS_FOLDER,
  SOCKET_UNIT,
  UNIT_FOLDER,
} from "../../shared/service_paths.ts";
import { mergeSettings, readSettings } from "./settings.ts";
import { requireSystemd, systemctl } from "./systemd.ts";

/** Every image that a build made carries it. */
const BUILT_LABEL = "dev.unkey.deployment";
const UNITS = [SECOND_EDGE_UNIT, EDGE_UNIT, SOCKET_UNIT, PLATFORM_UNIT];

/** @throws `failed_precondition` without a terminal to ask about the data, unless --yes is given */
export async function uninstall(config: UpConfig, process: Process): Promise<void> {
  await requireSystemd();
  const removesData = config.yes || await ask(process);
  const progress = createProgress(process);
  await progress.step("units", removeUnits, () => "stopped and removed");
  await progress.step(
    "apps",
    () => removeApps(process, removesData),
    (count) => `${count} containers removed`,
  );
  await remove(PROGRAM, `${PROGRAM}.next`, `${PROGRAM}.former`);
  if (!removesData) {
    return process.stdout(
      `uninstalled; the data is kept in ${DATA_FOLDER}, the settings in ${SETTINGS_FILE}\n`,
    );
  }
  // A service with a user of its own has its folders in `private`, and links to them.
  await remove(...[DATA_FOLDER, CACHE_FOLDER].flatMap((path) => [path, inPrivate(path)]), SETTINGS_FOLDER);
  process.stdout("uninstalled, with all data\n");
}

async function ask({ prompts }: Process): Promise<boolean> {
  if (prompts === undefined) {
    throw publicFault(
      "failed_precondition",
      `The data of all apps in ${DATA_FOLDER} would be removed, and there is no terminal to ask on. Say --yes.`,
    );
  }
  const answer = await prompts.confirm({
    message: `Remove the data in ${DATA_FOLDER}, too? It cannot be brought back.`,
    initial: false,
  });
  if (answer === undefined) throw new DOMException("Nothing was removed.", "AbortError");
  return answer;
}

async function removeUnits(): Promise<void> {
  for (const unit of UNITS) {
    const path = join(UNIT_FOLDER, unit);
    if (!await Deno.lstat(path).then(() => true, () => false)) continue;
    await systemctl("disable", "--now", unit);
    await remove(path);
  }
  await systemctl("daemon-reload");
}

/** The number of containers; a Docker Engine that does not answer keeps nothing from being removed. */
async function removeApps({ stderr, env, signal }: Process, removesImages: boolean): Promise<number> {
  const readFile = (): string => "";
  const { config } = mergeSettings(await readSettings(SETTINGS_FILE), {
    flags: new Map(),
    env: () => undefined,
    readFile,
  });
  const state = await readState(dataFolder(DATA_FOLDER));
  if (state === undefined) return 0;
  const engine = openEngine(env("DOCKER_HOST") ?? config.dockerHost);
  try {
    const count = await removeAppContainers(engine, state.id, silentLogger());
    if (removesImages) await removeBuiltImages(engine, signal);
    return count;
  } catch (error) {
    stderr(`Containers of apps may be left: ${describeError(error)}\n`);
    return 0;
  } finally {
    engine.close();
  }
}

/** Images that builds left here: their label and their name say so. */
async function removeBuiltImages(engine: Engine, signal: AbortSignal): Promise<void> {
  for (const { tags } of await listImages(engine, BUILT_LABEL, signal)) {
    for (const tag of tags.filter((each) => each.startsWith(`${LOCAL_REGISTRY}/`))) {
      await removeImage(engine, tag, signal);
    }
  }
}

function inPrivate(path: string): string {
  return path.replace(/\/([^/]+)$/, "/private/$1");
}

async function remove(...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await Deno.remove(path, { recursive: true }).catch((error: unknown) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}
