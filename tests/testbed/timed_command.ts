/** A command that follows a deployment, and the time until its end as its user sees it. */
import assert from "node:assert/strict";
import { TextLineStream } from "./text_lines.ts";
import type { LocalPlatform } from "./local.ts";

/** Runs the command with events as output, until one says that the deployment has the status. */
export async function followed(
  platform: LocalPlatform,
  args: readonly string[],
  status: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly id: string; readonly tookMs: number }> {
  const begunMs = performance.now();
  const process = platform.spawn([...args, "--output", "ndjson"], env);
  const seen: string[] = [];
  let [id, tookMs] = ["", NaN];
  for await (
    const line of process.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
  ) {
    seen.push(line);
    const event: unknown = JSON.parse(line);
    assert.ok(typeof event === "object" && event !== null && "kind" in event);
    if (event.kind === "created" && "id" in event) id = String(event.id);
    if (event.kind === "status" && "status" in event && event.status === status) {
      tookMs = performance.now() - begunMs;
    }
  }
  const { code } = await process.status;
  assert.ok(Number.isFinite(tookMs), `code ${code} without "${status}":\n${seen.join("\n")}`);
  return { id, tookMs };
}
