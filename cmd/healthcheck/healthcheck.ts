/** `unkey healthcheck`: asks a URL once, for container health checks on images without curl. */
import {
  defineCommand,
  EXIT,
  type ExitCode,
  printFailure,
  type Process,
  UsageError,
} from "../../pkg/cli/mod.ts";
import { resolve } from "node:path";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { CA_FILE_FIELD, openClientTls } from "../../pkg/tls/mod.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";

const ANSWER_MS_MAX = 10_000;
const OK = 200;

/** `unkey healthcheck <url>` */
export const command = defineCommand({
  exitCodes: [
    { code: EXIT.ok, means: "it answered 200" },
    { code: EXIT.failed, means: "it answered otherwise, or not in time" },
    { code: EXIT.usage, means: "wrong usage or settings" },
    { code: EXIT.interrupted, means: "Ctrl-C" },
  ],
  fields: {
    json: JSON_FIELD,
    caFile: {
      ...CA_FILE_FIELD.caFile,
      help: "Authority to trust for the certificate, in PEM, beside those that are trusted anyway.",
    },
  },
  positionals: [{ name: "url", help: "What to ask, http:// or https://.", required: true }],
  notes: `Exit codes: ${EXIT.ok} it answered 200 within ${
    ANSWER_MS_MAX / 1000
  } s, ${EXIT.failed} it did not.`,
  async run({ config, positionals: [given = ""] }, process): Promise<ExitCode> {
    const url = URL.canParse(given) ? new URL(given) : undefined;
    if (url?.protocol !== "http:" && url?.protocol !== "https:") {
      throw new UsageError(`"${given}" is not an http:// or https:// URL.`);
    }
    const { problem, ...result } = await askTrusting(config.caFile, url, process);
    if (problem === undefined) {
      process.stdout(config.json ? jsonLine({ healthy: true, ...result }) : "ok\n");
      return EXIT.ok;
    }
    const message = `${url.origin}${url.pathname} ${problem}.`;
    const json = config.json ? { healthy: false, ...result } : undefined;
    return printFailure({ code: "unhealthy", message, exitCode: EXIT.failed }, process, json);
  },
});

interface Answer {
  readonly url: string;
  readonly status?: number;
  readonly durationMs: number;
  /** The problem, as a part of a sentence. */
  readonly problem?: string;
}

async function askTrusting(caFile: string | undefined, url: URL, process: Process): Promise<Answer> {
  if (caFile === undefined) return await ask(url, process);
  const { clock, cwd } = process;
  const trust = await openClientTls({ caFile: resolve(cwd, caFile) }, { clock, log: silentLogger() });
  try {
    return await ask(url, { ...process, fetch: trust.fetch });
  } finally {
    trust.close();
  }
}

async function ask(url: URL, { fetch, clock, signal }: Process): Promise<Answer> {
  const begun = clock.now();
  const done = new AbortController();
  const late = new AbortController();
  const timer = clock.sleep(ANSWER_MS_MAX, done.signal).then(() => late.abort(), () => undefined);
  const answer = (rest: Pick<Answer, "status" | "problem">): Answer => ({
    url: url.href,
    durationMs: clock.now() - begun,
    ...rest,
  });
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, late.signal]) });
    await response.body?.cancel();
    const { status } = response;
    return answer(status === OK ? { status } : { status, problem: `answered ${status}` });
  } catch (error) {
    signal.throwIfAborted();
    if (late.signal.aborted) return answer({ problem: `did not answer within ${ANSWER_MS_MAX / 1000} s` });
    return answer({ problem: `cannot be reached: ${reasonOf(error)}` });
  } finally {
    done.abort();
    await timer;
  }
}

/** `fetch` says why only in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.replace(/^error sending request for url \(\S*\): /, "").replace(/\.$/, "");
}
