/** `ctrl worker` as a process that a test may kill, with a builder that does what the Dockerfile's name says. */
import { systemClock } from "../../pkg/clock/mod.ts";
import { loadConfig } from "../../pkg/config/mod.ts";
import { createLogger } from "../../pkg/logger/mod.ts";
import type { Builder } from "../../pkg/build/mod.ts";
import { WORKER_FIELDS, WORKER_RULES } from "../../svc/ctrl/worker/config/config.ts";
import type { ImagePresence } from "../../svc/ctrl/worker/builder/image_presence.ts";
import { runWorker, type WorkerProcess } from "../../svc/ctrl/worker/run.ts";

const clock = systemClock();
const write = (line: string): void =>
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`)) as unknown as void;
const log = createLogger({ service: "ctrl-worker", level: "debug", write });

const GATE_MS = 20;

/** `ok`, `fail`, `slow-<ms>`, or `gate`: until there is a file `gate-<deployment>` beside the objects. */
const builder: Builder = {
  async build({ dockerfile: { path: dockerfile }, image, signal, onEvent }) {
    const images = `${Deno.env.get("UNKEY_BUILD_FILES_DIR")}/../images`;
    const name = "[2/2] RUN make";
    onEvent({ kind: "step", id: "2", name, status: "running" });
    onEvent({ kind: "log", stepName: name, lines: ["compiling"] });
    if (dockerfile === "fail") {
      const failed = { kind: "failed", code: "build_failed", instruction: "RUN make", exitCode: 2 } as const;
      return {
        ...failed,
        message: '"RUN make" failed with exit code 2.',
        lastLines: ["no rule to make target"],
      };
    }
    const ms = Number(/^slow-(\d+)$/.exec(dockerfile)?.[1] ?? 0);
    await clock.sleep(ms, signal).catch((error: unknown) => {
      log.warn("fake build aborted");
      throw error;
    });
    const gate = `${Deno.env.get("UNKEY_BUILD_FILES_DIR")}/../gate-${
      image.slice(image.lastIndexOf(":") + 1)
    }`;
    while (dockerfile === "gate" && !await exists(gate)) await clock.sleep(GATE_MS, signal);
    onEvent({ kind: "step", id: "2", name, status: "done" });
    // The images of this builder, by the name's tag, which is the deployment.
    await Deno.mkdir(images, { recursive: true });
    await Deno.writeTextFile(`${images}/${image.slice(image.lastIndexOf(":") + 1)}`, "");
    return { kind: "built", image };
  },
};

/** The images of this builder are files. */
const presence: ImagePresence = async (image) => {
  const images = `${Deno.env.get("UNKEY_BUILD_FILES_DIR")}/../images`;
  return await exists(`${images}/${image.slice(image.lastIndexOf(":") + 1)}`) ? "present" : "missing";
};

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}

/** Runs the worker until SIGTERM, with the test's builder and what else the test puts in. */
export async function runTestWorker(parts: Pick<WorkerProcess, "activity"> = {}): Promise<void> {
  const stop = new AbortController();
  Deno.addSignalListener("SIGTERM", () => stop.abort(new Error("SIGTERM")));
  const config = loadConfig(WORKER_FIELDS, {
    flags: new Map(),
    env: (name) => Deno.env.get(name),
    readFile: (path) => Deno.readTextFileSync(path),
  }, WORKER_RULES);
  await runWorker(config, { log, clock, signal: stop.signal, builder, presence, ...parts });
}

if (import.meta.main) await runTestWorker();
