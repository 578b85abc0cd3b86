/** A real Prometheus, as `dev/parts/prometheus.sh` builds it. */
import { z } from "zod";
import { canRun, killChild, PARTS_CACHE, runCommand } from "../../pkg/testkit/commands.ts";
import { answersOk, eventually, freePort } from "../testbed/wait.ts";

const FOLDER = `${PARTS_CACHE}/prometheus-3.16.0`;
const RULES = new URL("../../dev/observe/alerts.yaml", import.meta.url);

/** True when Prometheus and promtool have been built here. */
export async function hasPrometheus(): Promise<boolean> {
  return await canRun([[`${FOLDER}/prometheus`, "--version"], [`${FOLDER}/promtool`, "--version"]]);
}

/** `promtool` with these arguments; throws with its output when it fails. */
export async function promtool(...args: readonly string[]): Promise<string> {
  return await runCommand(`${FOLDER}/promtool`, ...args);
}

const Sample = z.object({
  metric: z.record(z.string(), z.string()),
  value: z.tuple([z.number(), z.string()]),
});
const Answer = z.object({
  status: z.literal("success"),
  data: z.object({ resultType: z.literal("vector"), result: z.array(Sample) }),
});
const Alerts = z.object({
  data: z.object({
    alerts: z.array(z.object({
      state: z.enum(["pending", "firing", "inactive", "unknown"]),
      labels: z.record(z.string(), z.string()),
      annotations: z.record(z.string(), z.string()),
    })),
  }),
});
const Targets = z.object({
  data: z.object({
    activeTargets: z.array(z.object({ health: z.string(), lastError: z.string(), scrapeUrl: z.string() })),
  }),
});

export type Series = z.infer<typeof Sample>;
export type Alert = z.infer<typeof Alerts>["data"]["alerts"][number];

/** A server that scrapes each second, with the platform's rules. */
export class Prometheus implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #url: string;
  readonly #folder: string;

  private constructor(child: Deno.ChildProcess, url: string, folder: string) {
    this.#child = child;
    this.#url = url;
    this.#folder = folder;
  }

  /** Scrapes `targets`, which are addresses by name. The rules fire without their waits, which are minutes. */
  static async start(targets: Readonly<Record<string, string>>): Promise<Prometheus> {
    const folder = await Deno.makeTempDir({ prefix: "unkey-prometheus-" });
    const rules = await Deno.readTextFile(RULES);
    await Deno.writeTextFile(`${folder}/alerts.yaml`, rules.replaceAll(/^(\s+for:) \d+m$/gm, "$1 1s"));
    await Deno.writeTextFile(`${folder}/prometheus.yaml`, configOf(targets));
    const port = freePort();
    const child = new Deno.Command(`${FOLDER}/prometheus`, {
      args: [
        `--config.file=${folder}/prometheus.yaml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--log.level=warn",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    const prometheus = new Prometheus(child, `http://127.0.0.1:${port}`, folder);
    try {
      await eventually("Prometheus to be ready", () => answersOk(`${prometheus.#url}/-/ready`));
      return prometheus;
    } catch (error) {
      await prometheus[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The series that an expression has now. */
  async query(expr: string): Promise<readonly Series[]> {
    const body = new URLSearchParams({ query: expr });
    const response = await fetch(`${this.#url}/api/v1/query`, { method: "POST", body });
    const text = await response.text();
    if (!response.ok) throw new Error(`${expr}: ${text}`);
    return Answer.parse(JSON.parse(text)).data.result;
  }

  async alerts(): Promise<readonly Alert[]> {
    return Alerts.parse(await this.#get("alerts")).data.alerts;
  }

  /** The names of the alerts that fire. */
  async firing(): Promise<ReadonlySet<string>> {
    const firing = (await this.alerts()).filter(({ state }) => state === "firing");
    return new Set(firing.map(({ labels }) => labels["alertname"] ?? ""));
  }

  async targets(): Promise<z.infer<typeof Targets>["data"]["activeTargets"]> {
    return Targets.parse(await this.#get("targets")).data.activeTargets;
  }

  async #get(what: string): Promise<unknown> {
    const response = await fetch(`${this.#url}/api/v1/${what}`);
    return await response.json();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await killChild(this.#child);
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function configOf(targets: Readonly<Record<string, string>>): string {
  const configs = Object.entries(targets).map(([instance, address]) => ({
    targets: [address],
    labels: { instance },
  }));
  // JSON is YAML.
  return JSON.stringify({
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: ["alerts.yaml"],
    scrape_configs: [{ job_name: "unkey", static_configs: configs }],
  });
}
