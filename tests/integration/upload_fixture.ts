/** A folder that is uploaded to a real api, through an object store that counts. */
import assert from "node:assert/strict";
import type { DockerfileSource } from "../../pkg/archive/mod.ts";
import type { Clock } from "../../pkg/clock/mod.ts";
import {
  type ContentEntry,
  DIGEST_BYTES,
  digestKey,
  ManifestReader,
  type PackedChunk,
  unpackChunk,
} from "../../pkg/content/mod.ts";
import { type TestProcess, testProcess } from "../../pkg/testkit/process.ts";
import { UploadService } from "../../proto/gen/ctrl/v1/upload_pb.ts";
import type { TestApi } from "../../svc/ctrl/services/testing.ts";
import { ClientTrace } from "../../cmd/shared/deploying/client_trace.ts";
import { Report } from "../../cmd/shared/deploying/report.ts";
import { sendFolder } from "../../cmd/deploy/send_folder.ts";
import type { UploadClient } from "../../cmd/deploy/upload_chunks.ts";

/** A pack that was committed. */
export interface CommittedPack {
  readonly bytes: Uint8Array;
  readonly chunks: readonly PackedChunk[];
}

/** The requests of one upload, and its test's way to disturb it. */
export interface Script {
  readonly signal?: AbortSignal;
  /** The wait between attempts; the real one by default. */
  readonly sleep?: Clock["sleep"];
  /** Called with the number of each PUT, from 1, and a promise of the upload's end; a response is the answer instead of the store's. */
  readonly onPut?: (count: number, ended: Promise<void>) => Promise<Response> | Response | undefined;
  /** Called with the number of each answered PUT. */
  readonly onStored?: (count: number) => void;
  /** Replaces calls of the control plane. */
  readonly client?: (real: UploadClient) => Partial<UploadClient>;
}

export interface Sent {
  readonly path: string | undefined;
  readonly error: unknown;
  readonly puts: number;
  /** That reached the store, those of broken requests included. */
  readonly bytes: number;
  readonly packs: readonly CommittedPack[];
  /** Keys of the manifest's chunks. */
  readonly manifest: readonly string[];
  readonly printed: string;
  /** The progress that was reported. */
  readonly shares: readonly number[];
}

class WatchedReport extends Report {
  readonly shares: number[] = [];

  override progress(text: string, share: number): void {
    this.shares.push(share);
    super.progress(text, share);
  }
}

/** A folder of a project. */
export class UploadFixture implements AsyncDisposable {
  readonly projectId: string;
  readonly #process: TestProcess;
  readonly #client: UploadClient;

  private constructor(process: TestProcess, client: UploadClient, projectId: string) {
    this.#process = process;
    this.#client = client;
    this.projectId = projectId;
  }

  static async create(
    api: TestApi,
    slug: string,
    files: Readonly<Record<string, string | Uint8Array>>,
  ): Promise<UploadFixture> {
    const { rootKey, projectId } = await api.tenant(slug);
    const process = await testProcess({ args: [] });
    const fixture = new UploadFixture(process, api.client(UploadService, rootKey), projectId);
    await fixture.write({ Dockerfile: "FROM scratch\n", ...files });
    return fixture;
  }

  get folder(): string {
    return this.#process.cwd;
  }

  async write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      const file = `${this.folder}/${path}`;
      await Deno.mkdir(file.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeFile(file, typeof content === "string" ? new TextEncoder().encode(content) : content);
    }
  }

  /** Uploads the folder. */
  async send(script: Script = {}): Promise<Sent> {
    const counted = { puts: 0, bytes: 0 };
    const bodies = new Map<string, Uint8Array>();
    const packs: CommittedPack[] = [];
    let manifest: readonly string[] = [];
    const ended = Promise.withResolvers<void>();
    await using store = startStore(script, ended.promise, counted, bodies);
    const real = { ...this.#client, ...script.client?.(this.#client) };
    const client: UploadClient = {
      ...real,
      createPacks: async (request, options) => {
        const answer = await real.createPacks(request, options);
        const uploads = answer.uploads.map((upload) => ({
          ...upload,
          url: `http://127.0.0.1:${store.addr.port}/${upload.packId}?${encodeURIComponent(upload.url)}`,
        }));
        return { ...answer, uploads };
      },
      commitPacks: async (request, options) => {
        const answer = await real.commitPacks(request, options);
        for (const { packId = "", chunks = [] } of request.packs ?? []) {
          packs.push({ bytes: bodies.get(packId) ?? new Uint8Array(0), chunks: chunks.map(packedChunk) });
        }
        return answer;
      },
      commitContext: async (request, options) => {
        manifest = [...splitDigests(request.root?.manifestDigests ?? new Uint8Array(0))];
        return await real.commitContext(request, options);
      },
    };
    const { signal = this.#process.signal, sleep = this.#process.clock.sleep } = script;
    const process = { ...this.#process, signal, clock: { ...this.#process.clock, sleep } };
    const before = this.#process.printed.stderr.length;
    using report = new WatchedReport(process);
    const dockerfile: DockerfileSource = {
      file: `${this.folder}/Dockerfile`,
      name: "Dockerfile",
      content: new TextEncoder().encode("FROM scratch\n"),
    };
    const { projectId, folder } = this;
    let [path, error]: [string | undefined, unknown] = [undefined, undefined];
    try {
      path = await sendFolder({
        client,
        projectId,
        source: { folder, dockerfile, includeGit: false },
        process,
        report,
        timings: {},
        trace: new ClientTrace(process),
        warnings: [],
      });
    } catch (thrown) {
      error = thrown;
    }
    ended.resolve();
    return {
      path,
      error,
      ...counted,
      packs,
      manifest,
      shares: report.shares,
      printed: this.#process.printed.stderr.slice(before),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

/** The keys of the chunks that were committed, in order. */
export function keysOf({ packs }: Sent): readonly string[] {
  return packs.flatMap(({ chunks }) => chunks.map(({ digest }) => digestKey(digest)));
}

/** The entries of a context that was sent as a whole. */
export function entriesOf({ packs, manifest }: Sent): readonly ContentEntry[] {
  const plain = new Map<string, Uint8Array>();
  for (const { bytes, chunks } of packs) {
    for (const chunk of chunks) {
      const found = unpackChunk(bytes, chunk);
      assert.ok(found !== undefined, "a pack holds what its chunks say");
      plain.set(digestKey(chunk.digest), found);
    }
  }
  const reader = new ManifestReader();
  const entries = manifest.flatMap((key) => [...reader.push(plain.get(key) ?? new Uint8Array(0))]);
  reader.end();
  return entries;
}

/** An object store that counts, and passes each PUT on to the real one. */
function startStore(
  { onPut = () => undefined, onStored = () => undefined }: Script,
  ended: Promise<void>,
  counted: { puts: number; bytes: number },
  bodies: Map<string, Uint8Array>,
): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, async (request) => {
    const count = ++counted.puts;
    const { pathname, search } = new URL(request.url);
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for await (const part of request.body ?? []) {
      counted.bytes += part.length;
      parts.push(part);
    }
    const answer = await onPut(count, ended);
    if (answer !== undefined) return answer;
    const body = new Uint8Array(await new Blob(parts).arrayBuffer());
    bodies.set(pathname.slice(1), body);
    const headers = new Headers(request.headers);
    headers.delete("host");
    const response = await fetch(decodeURIComponent(search.slice(1)), { method: "PUT", headers, body });
    await response.body?.cancel();
    onStored(count);
    return new Response(null, { status: response.status });
  });
}

function packedChunk(chunk: Partial<PackedChunk>): PackedChunk {
  const { digest = new Uint8Array(0), offset = 0, storedBytes = 0, bytes = 0, deflated = false } = chunk;
  return { digest, offset, storedBytes, bytes, deflated };
}

function* splitDigests(joined: Uint8Array): Generator<string> {
  for (let at = 0; at < joined.length; at += DIGEST_BYTES) {
    yield digestKey(joined.subarray(at, at + DIGEST_BYTES));
  }
}
