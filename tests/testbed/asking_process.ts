/**
 * A visitor of an app in a process of its own, so that no work of the test delays what it measures. Arguments: the port of
 * the edge and the URL of the app. It asks until its standard input ends, then prints a `Phase` in JSON.
 */
import { askEdge } from "./ask.ts";

/** Requests to an app in one phase of a test. */
export interface Phase {
  readonly latenciesMs: readonly number[];
  readonly failures: readonly string[];
}

const PAUSE_MS = 20;
const FAILURES_KEPT = 20;

async function ask(port: number, url: string, end: AbortSignal): Promise<Phase> {
  const latenciesMs: number[] = [];
  const failures: string[] = [];
  while (!end.aborted) {
    const begunMs = performance.now();
    const failure = await askEdge(port, url).then(
      ({ status, body }) =>
        status === 200 && body.startsWith("good") ? undefined : `${status} ${body.slice(0, 200)}`,
      String,
    );
    latenciesMs.push(performance.now() - begunMs);
    if (failure !== undefined && failures.length < FAILURES_KEPT) failures.push(failure);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return { latenciesMs, failures };
}

if (import.meta.main) {
  const [port = "", url = ""] = Deno.args;
  const end = new AbortController();
  const asked = ask(Number(port), url, end.signal);
  for await (const _ of Deno.stdin.readable);
  end.abort();
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(await asked)));
}
