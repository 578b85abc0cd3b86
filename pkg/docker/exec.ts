import { z } from "zod";
import { isFault } from "../fault/mod.ts";
import { callJson, type Engine } from "./engine.ts";
import { chunks } from "./json_stream.ts";
import { LogDemux } from "./logs.ts";

/** A command that ran in a container. */
export interface ExecResult {
  /** `undefined`: it had not ended in time, and goes on. */
  readonly exitCode: number | undefined;
  /** The last characters that it printed. */
  readonly output: string;
}

const OUTPUT_CHARACTERS_MAX = 4_096;
const Created = z.object({ Id: z.string() });
const Inspected = z.object({ ExitCode: z.number().nullish(), Running: z.boolean() });

/** A command that was started in a container; the engine has no way to end it but with its container. */
export interface Exec {
  readonly id: string;
  /** Waits for its end, at most `timeoutMs`. */
  readonly result: Promise<ExecResult>;
}

/**
 * Starts a command in a running container, as the container's user.
 *
 * @throws `not_found` when there is no such container, `already_exists` when it does not run
 */
export async function startExec(
  engine: Engine,
  container: string,
  command: readonly string[],
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<Exec> {
  const path = `/containers/${encodeURIComponent(container)}/exec`;
  const body = { Cmd: command, AttachStdout: true, AttachStderr: true };
  const { Id: id } = await callJson(engine, { method: "POST", path, body, signal }, Created);
  return { id, result: run(engine, id, { signal, timeoutMs }) };
}

/** True while the command runs. An engine that was started again has forgotten it, and ended it. */
export async function isExecRunning(engine: Engine, id: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await inspectExec(engine, id, signal)).Running;
  } catch (error) {
    if (isFault(error, "not_found")) return false;
    throw error;
  }
}

async function run(
  engine: Engine,
  id: string,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<ExecResult> {
  const late = AbortSignal.timeout(timeoutMs);
  const limit = AbortSignal.any([signal, late]);
  const lines: string[] = [];
  try {
    const response = await engine.call({
      method: "POST",
      path: `/exec/${encodeURIComponent(id)}/start`,
      body: { Detach: false, Tty: false },
      signal: limit,
    });
    const demux = new LogDemux();
    for await (const chunk of chunks(engine, response, limit)) keepLast(lines, demux.push(chunk));
    keepLast(lines, demux.end());
  } catch (error) {
    signal.throwIfAborted();
    if (!late.aborted) throw error;
    return { exitCode: undefined, output: lastOf(lines) };
  }
  const { ExitCode: exitCode } = await inspectExec(engine, id, signal);
  return { exitCode: exitCode ?? undefined, output: lastOf(lines) };
}

function lastOf(lines: readonly string[]): string {
  return lines.join("\n").slice(-OUTPUT_CHARACTERS_MAX);
}

const LINES_MAX = 20;

function keepLast(lines: string[], more: Iterable<{ readonly text: string }>): void {
  for (const { text } of more) lines.push(text.slice(0, OUTPUT_CHARACTERS_MAX));
  lines.splice(0, Math.max(0, lines.length - LINES_MAX));
}

function inspectExec(engine: Engine, id: string, signal: AbortSignal): Promise<z.infer<typeof Inspected>> {
  const path = `/exec/${encodeURIComponent(id)}/json`;
  return callJson(engine, { method: "GET", path, signal }, Inspected);
}
