/** Traffic that moves in steps between versions while requests come all the time. */
import type { Client } from "@connectrpc/connect";
import { Secret } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { GradualState, type GradualSwitch } from "../../proto/gen/ctrl/v1/gradual_switch_pb.ts";
import type { TrafficSwitch } from "../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import { type App, serves } from "./apps.ts";
import { Lanes } from "./lanes.ts";
import { answers, Testbed, writeApp } from "./testbed.ts";
import { eventually } from "./wait.ts";

/** The text of an answer that an app fails on purpose. */
const MEANT = "failed on purpose";
const PATH = "/cgi-bin/answer";

/** Answers with its version; of 100 requests `percent` fail. */
function failing(version: string, percent: number): App {
  const app = serves(version);
  const script = [
    "#!/bin/sh",
    `if [ $((RANDOM % 100)) -lt ${percent} ]; then`,
    `  printf 'Status: 500 Internal Server Error\\r\\nContent-Type: text/plain\\r\\n\\r\\n${version} ${MEANT}'`,
    "else",
    `  printf 'Content-Type: text/plain\\r\\n\\r\\n${version}'`,
    "fi",
  ].join("\n");
  return {
    ...app,
    Dockerfile:
      app["Dockerfile"]?.replace("COPY www /www", "COPY www /www\nRUN chmod +x /www/cgi-bin/answer") ?? "",
    "www/cgi-bin/answer": `${script}\n`,
  };
}

interface Version {
  readonly id: string;
  readonly url: string;
}

/** A platform with a live version, another one that runs beside it, and requests to their host name. */
export class GradualLoad implements AsyncDisposable {
  readonly bed: Testbed;
  readonly live: Version;
  readonly next: Version;
  readonly lanes: Lanes;
  /** Requests that failed otherwise than on purpose. */
  readonly failed: string[] = [];
  /** When the new version failed on purpose, by the clock of this machine. */
  readonly meantAtMs: number[] = [];

  readonly #slug: string;

  private constructor(
    bed: Testbed,
    slug: string,
    { live, next }: Record<"live" | "next", Version>,
    pauseMs: number,
  ) {
    this.bed = bed;
    this.#slug = slug;
    this.live = live;
    this.next = next;
    this.lanes = new Lanes({
      port: bed.ports.edge,
      url: `${live.url}${PATH}`,
      lanes: 8,
      pauseMs,
      version: /version \d+\./,
      onFailure: (text) => {
        if (text.startsWith("500 ") && text.includes(MEANT)) this.meantAtMs.push(Date.now());
        else this.failed.push(text);
      },
    });
  }

  static async start(
    { failPercent, pauseMs }: { readonly failPercent: number; readonly pauseMs: number },
  ): Promise<GradualLoad> {
    const bed = await Testbed.start({ workerEnv: { UNKEY_STOP_GRACE_SECONDS: "1" } });
    try {
      const { slug } = await bed.project("shop");
      const live = await deploy(bed, slug, failing("version 0.", 0));
      const next = await deploy(bed, slug, failing("version 1.", failPercent));
      const { code, stderr } = await bed.unkey(["rollback", live.id, "--yes"]);
      if (code !== 0) throw new Error(`rollback: ${stderr}`);
      await answers(bed, live.url, "version 0.");
      return new GradualLoad(bed, slug, { live, next }, pauseMs);
    } catch (error) {
      await bed[Symbol.asyncDispose]();
      throw error;
    }
  }

  get client(): Client<typeof DeploymentService> {
    const access = { baseUrl: this.bed.apiUrl, token: new Secret(this.bed.rootKey), timeoutMs: 60_000 };
    return createRpcClient(DeploymentService, access);
  }

  /** Deploys a version that does not fail. */
  deploy(version: string, args: readonly string[]): Promise<Version> {
    return deploy(this.bed, this.#slug, failing(version, 0), args);
  }

  /** Moves all requests to a version in one step before the last, and returns it when it has ended. */
  async move(targetDeploymentId: string): Promise<GradualSwitch> {
    const { client } = this;
    const begun = await client.beginGradualSwitch({ targetDeploymentId, steps: [50], everyMs: 1_000n });
    let shown = begun.gradualSwitch;
    await eventually("the gradual switch to end", async () => {
      const request = { gradualSwitchId: shown?.id ?? "" };
      shown = (await client.getGradualSwitch(request)).gradualSwitch;
      return shown?.state !== GradualState.RUNNING;
    }, { everyMs: 100, deadlineMs: 60_000 });
    if (shown === undefined) throw new Error("there is no gradual switch");
    return shown;
  }

  /** All moves of traffic that belong to gradual switches, newest first. */
  async switches(): Promise<readonly TrafficSwitch[]> {
    const all: TrafficSwitch[] = [];
    let pageToken = "";
    do {
      const page = await this.client.listSwitches({ pageSize: 100, pageToken });
      all.push(...page.switches);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return all.filter((each) => each.gradualSwitchId !== "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lanes.stop();
    await this.bed[Symbol.asyncDispose]();
  }
}

async function deploy(
  bed: Testbed,
  slug: string,
  app: App,
  args: readonly string[] = [],
): Promise<Version> {
  const folder = await writeApp(bed, app);
  const where = ["--project", slug, "--env", "production", "--json"];
  const { code, stdout, stderr } = await bed.unkey(["deploy", folder, ...where, ...args]);
  if (code !== 0) throw new Error(`deploy: ${stdout}\n${stderr}`);
  const { id, urls: [url = ""] }: { id: string; urls: readonly string[] } = JSON.parse(stdout);
  return { id, url: url.replace(/\/$/, "") };
}
