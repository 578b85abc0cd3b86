import { join } from "node:path";
import { socketUrl } from "../unix_http/mod.ts";
import { NODE_NAME } from "./process.ts";

/** Systems take paths of sockets up to 103 (macOS) or 107 bytes. */
const PATH_BYTES_MAX = 103;

/** A server's folder by a path that is short enough for the sockets in it. */
export class Sockets {
  /** The folder, or a link to it. */
  readonly baseDir: string;
  /** Holds the link. */
  readonly #temporary: string | undefined;

  private constructor(baseDir: string, temporary: string | undefined) {
    this.baseDir = baseDir;
    this.#temporary = temporary;
  }

  static async open(baseDir: string): Promise<Sockets> {
    const direct = new Sockets(baseDir, undefined);
    if (new TextEncoder().encode(direct.#path("ingress")).length <= PATH_BYTES_MAX) return direct;
    // A folder that only this user can open, so that no other user can put a socket in its place.
    const temporary = await Deno.makeTempDir({ prefix: "unkey-" });
    await Deno.symlink(baseDir, join(temporary, "s"));
    return new Sockets(join(temporary, "s"), temporary);
  }

  get ingressUrl(): string {
    return socketUrl(this.#path("ingress"));
  }

  get adminUrl(): string {
    return socketUrl(this.#path("admin"));
  }

  #path(name: "ingress" | "admin"): string {
    return join(this.baseDir, NODE_NAME, `${name}.sock`);
  }

  async close(): Promise<void> {
    if (this.#temporary === undefined) return;
    await Deno.remove(this.#temporary, { recursive: true }).catch((error: unknown) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // closed before
    });
  }
}
