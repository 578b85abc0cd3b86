/** Build contexts behind signed URLs, as the api serves them from a folder. */
import assert from "node:assert/strict";
import { packTar } from "modern-tar";
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { createFileObjectStore, type FileObjectStore } from "../../pkg/objectstore/mod.ts";

const SIZE_BYTES_MAX = 2_000_000_000;
const URL_MS = 60_000;

/** Dispose of it, or its server stays; its folder is the test's. */
export class ContextStore implements AsyncDisposable {
  static readonly signingKey = "an-integration-test-signing-key-0123456789";
  readonly objects: FileObjectStore;
  readonly url: string;
  readonly #server: Deno.HttpServer;

  private constructor(objects: FileObjectStore, url: string, server: Deno.HttpServer) {
    this.objects = objects;
    this.url = url;
    this.#server = server;
  }

  static start(directory: string): ContextStore {
    const found: { store?: FileObjectStore } = {};
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => undefined },
      async (request) => await found.store?.handler(request) ?? new Response(null, { status: 404 }),
    );
    const url = `http://127.0.0.1:${server.addr.port}`;
    found.store = createFileObjectStore({
      directory,
      baseUrl: url,
      signingKey: new Secret(ContextStore.signingKey),
      sizeMaxBytes: SIZE_BYTES_MAX,
      bytesFreeMin: 0,
      clock: systemClock(),
    });
    return new ContextStore(found.store, url, server);
  }

  /** Stores an archive of these files. */
  async uploadFiles(files: Readonly<Record<string, string>>): Promise<string> {
    const encoder = new TextEncoder();
    const entries = Object.entries(files).map(([name, body]) => ({
      header: { name, size: encoder.encode(body).length },
      body,
    }));
    return await this.upload(new Uint8Array(await packTar(entries)));
  }

  async upload(archive: Uint8Array<ArrayBuffer>): Promise<string> {
    const key = `p/${crypto.randomUUID()}.tar`;
    const { url, headers } = await this.objects.presignPut(key, {
      sizeBytes: archive.length,
      expiresInMs: URL_MS,
    });
    const put = await fetch(url, { method: "PUT", headers, body: archive });
    assert.ok(put.ok, await put.text());
    return key;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
