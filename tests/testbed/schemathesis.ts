/** Schemathesis: sends an API what its OpenAPI document allows and forbids, and holds the answers against it. */
import { fileURLToPath } from "node:url";

const PART = fileURLToPath(new URL("../../dev/parts/schemathesis.sh", import.meta.url));
/** Its run is ended then; the test fails. */
const RUN_MS_MAX = 600_000;
/** Of one answer. */
const ANSWER_SECONDS_MAX = 10;

/**
 * All but three: schema and use case differ on purpose where a rule needs the database or another field
 * (positive_data_acceptance), and missing credentials are 400, as clients of the original know it (ignored_auth,
 * missing_required_header). `access_test.ts` of the routes asks for both.
 */
const CHECKS_LEFT_OUT = ["positive_data_acceptance", "ignored_auth", "missing_required_header"];

export interface SchemathesisOptions {
  /** For its files. */
  readonly directory: string;
  readonly url: string;
  readonly key: string;
  /** Generated requests of each operation and phase. */
  readonly examplesMax: number;
}

/** True if it can be installed here. */
export async function hasSchemathesis(): Promise<boolean> {
  return await program() !== undefined;
}

async function program(): Promise<string | undefined> {
  const { success, stdout } = await new Deno.Command(PART, { stdin: "null", stderr: "inherit" }).output();
  return success ? new TextDecoder().decode(stdout).trim() : undefined;
}

export class Schemathesis {
  readonly #options: SchemathesisOptions;

  constructor(options: SchemathesisOptions) {
    this.#options = options;
  }

  /** Runs all phases without state over all operations but some; the exit code is 0 when every answer was right. */
  async run(
    document: string,
    without: readonly string[],
  ): Promise<{ readonly code: number; readonly report: string }> {
    const { directory, url, key, examplesMax } = this.#options;
    const python = await program();
    if (python === undefined) throw new Error("schemathesis cannot be installed here");
    const file = `${directory}/openapi.json`;
    await Deno.writeTextFile(file, document);
    const { code, stdout, stderr } = await new Deno.Command(python, {
      args: [
        ...["-m", "schemathesis.cli", "run", file, "--url", url, "--header", `Authorization: Bearer ${key}`],
        ...["--checks", "all", "--exclude-checks", CHECKS_LEFT_OUT.join(",")],
        ...["--phases", "examples,coverage,fuzzing", "--max-examples", String(examplesMax)],
        // The same requests in each run, which is more than a seed promises.
        "--generation-deterministic",
        ...["--workers", "2", "--request-timeout", String(ANSWER_SECONDS_MAX), "--no-color"],
        ...["--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off"],
        ...without.flatMap((name) => ["--exclude-operation-id", name]),
      ],
      cwd: directory,
      env: { HOME: directory },
      stdin: "null",
      signal: AbortSignal.timeout(RUN_MS_MAX),
    }).output();
    const decoder = new TextDecoder();
    return { code, report: `${decoder.decode(stdout)}${decoder.decode(stderr)}` };
  }
}
