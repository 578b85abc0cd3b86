import { transact } from "../../../pkg/db/mod.ts";
import { newId } from "../../../pkg/uid/mod.ts";
import { createCron } from "../../../svc/ctrl/internal/store/mod.ts";
import { AdminService } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { CustomDomainService } from "../../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import { EnvironmentService } from "../../../proto/gen/ctrl/v1/environment_pb.ts";
import { SessionService } from "../../../proto/gen/ctrl/v1/session_pb.ts";
import type { ApiConfig } from "../../../svc/ctrl/api/config.ts";
import { startSession } from "../../../svc/ctrl/services/session/testing.ts";
import { SERVICE_TOKEN } from "../../../svc/ctrl/services/testing.ts";
import { freePort } from "../../testbed/wait.ts";
import { CliBed, type ScriptResult } from "./bed.ts";

/** Only a program that hangs takes so long. */
const RUN_MS_MAX = 180_000;

/** One run of the program. */
export interface Invocation {
  /** Words; those in capitals are replaced by what the world has: `D1`, `D2`, `D3`, `FOLDER`, `TAKEN` for a port, etc. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Standard output is a full device. */
  readonly full?: true;
  /** The program is one of a release, with this as its facts. */
  readonly buildInfo?: string;
  /** The program gets SIGINT once it waits for an answer, or once it has printed `after`. */
  readonly signals?: { readonly after?: string };
}

/** A bed, a server that never answers, and the names of what is there. */
export class World implements AsyncDisposable {
  readonly bed: CliBed;
  /** The words of calls that stand for something else. */
  readonly words: Record<string, string>;
  /** Resolves at the end of the test. */
  readonly disposed: Promise<void>;
  readonly #dispose: () => void;
  readonly #requested = Promise.withResolvers<void>();
  readonly #holds: Deno.HttpServer<Deno.NetAddr>;

  private constructor(bed: CliBed) {
    this.bed = bed;
    const { promise, resolve } = Promise.withResolvers<void>();
    [this.disposed, this.#dispose] = [promise, resolve];
    this.#holds = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, async () => {
      this.#requested.resolve();
      await this.disposed;
      return new Response();
    });
    const { d1, d2, d3 } = bed.life;
    const holds = `http://127.0.0.1:${this.#holds.addr.port}`;
    this.words = { D1: d1, D2: d2, D3: d3, FOLDER: bed.folder, API: bed.api.url, HOLDS: holds };
    this.words["TAKEN"] = String(this.#holds.addr.port);
  }

  static async start(config?: Partial<ApiConfig>): Promise<World> {
    return new World(await CliBed.start(config));
  }

  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.bed.folder}/${name}`, text);
  }

  async setVariable(name: string): Promise<void> {
    const { projectId } = this.bed.tenant;
    const variables = { [name]: "1" };
    await this.#admin().setEnvironmentVariables({ projectId, environmentSlug: "production", variables });
  }

  async createEnvironment(slug: string): Promise<void> {
    const { rootKey, projectId } = this.bed.tenant;
    await this.bed.api.client(EnvironmentService, rootKey).createEnvironment({ projectId, slug });
  }

  async addRegistry(host: string): Promise<void> {
    await this.#admin().addRegistry({ host, username: "acme", secret: "s3cret" });
  }

  async addDomain(domain: string): Promise<void> {
    const { rootKey, projectId } = this.bed.tenant;
    const request = { projectId, environmentSlug: "production", domain };
    await this.bed.api.client(CustomDomainService, rootKey).addCustomDomain(request);
  }

  /** A cron of the live deployment of production. */
  async addCron(name: string): Promise<void> {
    const { api, tenant, life: { environmentId, d2 } } = this.bed;
    await transact(api.db, (tx) =>
      createCron(tx, {
        environment_id: environmentId,
        name,
        id: newId("cron", 1),
        workspace_id: tenant.workspaceId,
        project_id: tenant.projectId,
        environment_slug: "production",
        deployment_id: d2,
        schedule: "@daily",
        timezone: "UTC",
        command: '["true"]',
        overlap: "skip",
        timeout_seconds: 60,
        planned_at: 1,
        paused_at: null,
        removed_at: null,
        last_run_id: null,
        created_at: 1,
        updated_at: 1,
      }));
  }

  async createKey(): Promise<string> {
    return (await this.#admin().createRootKey({ name: "ci", permissions: ["*"] })).keyId;
  }

  /** Logs in as a page of the dashboard does. */
  async startSession(): Promise<string> {
    const { api, tenant } = this.bed;
    const { url } = await api.client(SessionService, tenant.rootKey).createLoginLink({});
    return (await startSession(api, new URL(url))).id;
  }

  async createRegionToken(): Promise<string> {
    const admin = this.bed.api.client(AdminService, SERVICE_TOKEN);
    return (await admin.createRegionToken({ region: "eu-2" })).tokenId;
  }

  /** Runs the program itself. */
  async run({ args, env = {}, stdin, full, signals, buildInfo }: Invocation): Promise<ScriptResult> {
    // Free ports of this moment: another test may take one in the minutes that a table runs.
    const words: Readonly<Record<string, string>> = {
      ...this.words,
      FREE1: String(freePort()),
      FREE2: String(freePort()),
    };
    const replaced = (text: string): string => text.replaceAll(/[A-Z]+\d?/g, (word) => words[word] ?? word);
    const program = buildInfo === undefined ? this.bed.program : await this.bed.released(buildInfo);
    const command = this.bed.command(`exec ${program} "$@" ${full ? ">/dev/full" : ""}`, {
      args: args.map(replaced),
      env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, replaced(value)])),
      stdin: stdin === undefined ? "null" : "piped",
    });
    const child = command.spawn();
    if (stdin !== undefined) await new Blob([stdin]).stream().pipeTo(child.stdin);
    const [out, err] = [new Output(child.stdout), new Output(child.stderr)];
    if (signals !== undefined) {
      const ended = await Promise.race([
        signals.after === undefined ? this.#requested.promise : err.has(signals.after),
        signals.after === undefined ? this.disposed : out.has(signals.after),
        child.status,
      ]);
      // A command that ended by itself is judged by its code and its text.
      if (ended === undefined || !("code" in Object(ended))) child.kill("SIGINT");
    }
    const late = setTimeout(() => child.kill("SIGKILL"), RUN_MS_MAX);
    const { code } = await child.status;
    clearTimeout(late);
    return { code, stdout: await out.whole, stderr: await err.whole };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#dispose();
    await this.#holds.shutdown();
    await this.bed[Symbol.asyncDispose]();
  }

  #admin() {
    return this.bed.api.client(AdminService, this.bed.tenant.rootKey);
  }
}

/** The text of a stream. */
class Output {
  /** The text when the stream has ended. */
  readonly whole: Promise<string>;
  #text = "";
  #wanted: { readonly text: string; readonly found: () => void } | undefined;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.whole = this.#read(stream);
  }

  /** Resolves when the text is there. */
  async has(text: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wanted = { text, found: resolve };
    this.#look();
    await promise;
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      this.#text += part;
      this.#look();
    }
    return this.#text;
  }

  #look(): void {
    if (this.#wanted !== undefined && this.#text.includes(this.#wanted.text)) this.#wanted.found();
  }
}
