/**
 * An authoritative name server of a test's own: Debian's `knot`, whose zones take signed updates.
 *
 * ```ts
 * await using knot = await TestKnot.start({ "example.com": ["_acme-challenge.shop CNAME shop.proofs.test."] });
 * ```
 *
 * @module
 */
import { Secret } from "../config/mod.ts";
import { TestDaemon } from "./daemon.ts";
import { freePort } from "./ports.ts";

/** The key that may change all zones. */
export const KNOT_KEY = {
  name: "unkey.test",
  algorithm: "hmac-sha256" as const,
  secret: new Secret("c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA=="),
};
const PROGRAM = "/usr/sbin/knotd";
const CONTROL = "/usr/sbin/knotc";
const STOP_MS = 10_000;

/** True when it is installed here. */
export function hasKnot(): boolean {
  try {
    return Deno.statSync(PROGRAM).isFile;
  } catch {
    return false;
  }
}

/** A running name server. Dispose of it, or it stays. */
export class TestKnot implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  #daemon: TestDaemon | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  /** With these zones, and further records of each in the form of a zone file. */
  static async start(zones: Readonly<Record<string, readonly string[]>>): Promise<TestKnot> {
    const folder = await Deno.makeTempDir({ prefix: "unkey-knot-" });
    const knot = new TestKnot(folder, freePort());
    try {
      await knot.#start(zones);
      return knot;
    } catch (error) {
      await knot[Symbol.asyncDispose]();
      throw error;
    }
  }

  get server(): { readonly address: string; readonly port: number } {
    return { address: "127.0.0.1", port: this.port };
  }

  /** The values of a TXT record now. */
  async texts(name: string): Promise<readonly string[]> {
    try {
      const nameServer = { ipAddr: "127.0.0.1", port: this.port };
      return (await Deno.resolveDns(`${name}.`, "TXT", { nameServer })).map((parts) => parts.join("")).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** Sets the only record of its type at a name; without values there is none. */
  async set(zone: string, name: string, type: string, ...values: readonly string[]): Promise<void> {
    const owner = name === zone ? "@" : name.slice(0, -zone.length - 1);
    await this.#control("zone-begin", zone);
    // It fails when there is none.
    await this.#control("zone-unset", zone, owner, type).catch(() => undefined);
    for (const value of values) await this.#control("zone-set", zone, owner, "60", type, value);
    await this.#control("zone-commit", zone);
  }

  async #control(...args: readonly string[]): Promise<void> {
    const options = { args: ["-c", `${this.#folder}/knot.conf`, "-b", ...args] };
    const { success, stdout, stderr } = await new Deno.Command(CONTROL, options).output();
    if (success) return;
    const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
    throw new Error(`knotc ${args.join(" ")}: ${said}`);
  }

  /** It answers no more. */
  async stop(): Promise<void> {
    await this.#daemon?.end("SIGTERM", STOP_MS);
    this.#daemon = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #start(zones: Readonly<Record<string, readonly string[]>>): Promise<void> {
    const folder = this.#folder;
    const blocks: string[] = [];
    for (const [zone, records] of Object.entries(zones)) {
      const lines = [
        `$ORIGIN ${zone}.`,
        "$TTL 60",
        `@ SOA ns.${zone}. root.${zone}. 1 3600 600 86400 60`,
        `@ NS ns.${zone}.`,
        "ns A 127.0.0.1",
        "* A 127.0.0.1",
        ...records,
      ];
      await Deno.writeTextFile(`${folder}/${zone}.zone`, `${lines.join("\n")}\n`);
      blocks.push(
        `  - domain: ${zone}`,
        `    storage: ${folder}`,
        `    file: ${zone}.zone`,
        "    acl: updates",
      );
    }
    const config = [
      "server:",
      `  rundir: ${folder}`,
      `  listen: 127.0.0.1@${this.port}`,
      "database:",
      `  storage: ${folder}`,
      "key:",
      `  - id: ${KNOT_KEY.name}.`,
      `    algorithm: ${KNOT_KEY.algorithm}`,
      `    secret: ${KNOT_KEY.secret.reveal()}`,
      "acl:",
      "  - id: updates",
      `    key: ${KNOT_KEY.name}.`,
      "    action: update",
      "log:",
      "  - target: stderr",
      "    any: warning",
      "zone:",
      ...blocks,
      "",
    ];
    await Deno.writeTextFile(`${folder}/knot.conf`, config.join("\n"));
    const first = Object.keys(zones)[0] ?? "";
    this.#daemon = await TestDaemon.start(
      { command: PROGRAM, args: ["-c", `${folder}/knot.conf`], logFile: `${folder}/knot.log` },
      () => this.#serves(first),
    );
  }

  async #serves(zone: string): Promise<boolean> {
    try {
      // A question over UDP to a port without a server is only answered by its timeout.
      (await Deno.connect({ hostname: "127.0.0.1", port: this.port })).close();
      const nameServer = { ipAddr: "127.0.0.1", port: this.port };
      return (await Deno.resolveDns(`${zone}.`, "SOA", { nameServer })).length > 0;
    } catch {
      return false;
    }
  }
}
