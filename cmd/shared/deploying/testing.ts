/** A control plane and an object store that play the script of a test, and `unkey deploy` in a folder of its own. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { dispatch, type Prompts, type Terminal } from "../../../pkg/cli/mod.ts";
import { DIGEST_BYTES } from "../../../pkg/content/mod.ts";
import { testProcess } from "../../../pkg/testkit/process.ts";
import {
  type CreateDeploymentRequest,
  type DeploymentEventSchema,
  type DeploymentSchema,
  type DeploymentService,
  DeploymentStatus,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { CreatePacksRequest, UploadService } from "../../../proto/gen/ctrl/v1/upload_pb.ts";
import { ROOT } from "../../root.ts";
import { access, type FakeControlPlane, SHOP, startControlPlane } from "../testing.ts";
import type { DeployResult } from "./result.ts";

export const STARTED = 1_800_000_000_000;
const URL_OF_SHOP = "http://shop-acme.localhost:7070";

type EventInit = MessageInitShape<typeof DeploymentEventSchema>;
type Payload = NonNullable<EventInit["payload"]>;

/** The script of one connection to the event stream: events, then its end. */
export interface Stream {
  readonly events: readonly Payload[];
  /** Sends events a second time, as a server may that does not know which of them arrived. */
  readonly repeats?: boolean;
  /** The stream is cut instead of ended. */
  readonly breaks?: boolean;
  /** The deployment as it is read from now on. */
  readonly then?: MessageInitShape<typeof DeploymentSchema>;
  /** Stays open until the client leaves or this resolves. */
  readonly until?: Promise<unknown>;
}

/** The answers of the parts; an answer that is left out is a success. */
export interface Script {
  readonly streams?: readonly Stream[];
  /** Statuses that the object store answers with, in order; 200 after that. */
  readonly uploadAnswers?: readonly number[];
  /** Where to upload to, if not to the object store of this script. */
  readonly uploadUrl?: string;
  readonly alreadyStored?: boolean;
  readonly deployment?: Partial<ServiceImpl<typeof DeploymentService>>;
  readonly upload?: Partial<ServiceImpl<typeof UploadService>>;
  /** The number of calls of `createDeployment` that lose their answer after the work is done. */
  readonly createsLost?: number;
  /** Called after each connection to the event stream has sent its events. */
  readonly onWatch?: () => void;
}

/** The requests that the parts received. */
export interface Seen {
  readonly uploads: { readonly bytes: number; readonly sha256: string; readonly header: string | null }[];
  readonly uploadRequests: CreatePacksRequest[];
  readonly creates: CreateDeploymentRequest[];
  /** `after_sequence` of each connection to the event stream. */
  readonly resumedAfter: bigint[];
  cancels: number;
}

/** A stream of a build and a start that go well. */
export const GOES_WELL: Stream = {
  events: [
    step("building", "running"),
    log("RUN make", ["compiling", "linking"]),
    step("building", "done"),
    step("deploying", "running"),
    step("deploying", "done"),
    { case: "status", value: { status: DeploymentStatus.READY, urls: [URL_OF_SHOP] } },
  ],
  then: { status: DeploymentStatus.READY, urls: [URL_OF_SHOP] },
};

export function step(name: string, status: string): Payload {
  return { case: "step", value: { name, status, message: "" } };
}

export function log(origin: string, lines: string[]): Payload {
  return { case: "log", value: { source: "build", origin, lines } };
}

/** Starts both parts. */
export async function startParts(
  script: Script,
): Promise<AsyncDisposable & { readonly plane: FakeControlPlane; readonly seen: Seen }> {
  const seen: Seen = { uploads: [], uploadRequests: [], creates: [], resumedAfter: [], cancels: 0 };
  const store = startStore(script, seen);
  let current: MessageInitShape<typeof DeploymentSchema> = { status: DeploymentStatus.BUILDING };
  const streams = [...script.streams ?? [GOES_WELL]];
  let sequence = 0n;
  let createsLost = script.createsLost ?? 0;
  const plane = await startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    upload: {
      prepareContext: () => ({
        buildContextPath: script.alreadyStored ? "context/1" : "",
        limits: { contentBytesMax: 1n << 30n, filesMax: 1_000n },
      }),
      findMissingChunks: ({ digests }) => ({
        missing: Array.from({ length: digests.length / DIGEST_BYTES }, (_, index) => index),
      }),
      createPacks: (request) => {
        seen.uploadRequests.push(request);
        const url = script.uploadUrl ?? `http://127.0.0.1:${store.addr.port}/put`;
        return { uploads: [{ packId: "pack_1", url, headers: { "x-bound-to": "the signature" } }] };
      },
      commitPacks: () => ({}),
      commitContext: () => ({ buildContextPath: "context/1" }),
      ...script.upload,
    },
    deployment: {
      createDeployment: (request) => {
        seen.creates.push(request);
        if (createsLost-- > 0) throw new ConnectError("restarting", Code.Unavailable);
        return { deploymentId: "d_1", status: DeploymentStatus.PENDING };
      },
      async *watchDeploymentEvents({ afterSequence }, { signal }) {
        seen.resumedAfter.push(afterSequence);
        const stream = streams.shift() ?? { events: [] };
        if (stream.repeats) sequence = 0n;
        for (const payload of stream.events) {
          sequence++;
          const createdAt = BigInt(STARTED) + sequence * 1_000n;
          yield { event: { case: "deploymentEvent", value: { sequence, createdAt, payload } } };
        }
        if (stream.then !== undefined) current = stream.then;
        script.onWatch?.();
        if (stream.until !== undefined) {
          const left = new Promise((done) => signal.addEventListener("abort", done, { once: true }));
          await Promise.race([stream.until, left]);
        }
        if (stream.breaks) throw new ConnectError("connection reset", Code.Unavailable);
      },
      getDeployment: () => ({ deployment: { id: "d_1", ...current } }),
      cancelDeployment: () => {
        seen.cancels++;
        current = { status: DeploymentStatus.CANCELLED };
        return { status: DeploymentStatus.CANCELLED };
      },
      ...script.deployment,
    },
  });
  return {
    plane,
    seen,
    async [Symbol.asyncDispose]() {
      await plane.stop();
      await store.shutdown();
    },
  };
}

function startStore({ uploadAnswers = [] }: Script, seen: Seen): Deno.HttpServer<Deno.NetAddr> {
  const answers = [...uploadAnswers];
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, async (request) => {
    const body = new Uint8Array(await request.arrayBuffer());
    const sha256 = createHash("sha256").update(body).digest("base64");
    seen.uploads.push({ bytes: body.length, sha256, header: request.headers.get("x-bound-to") });
    const status = answers.shift() ?? 200;
    return new Response(status === 200 ? null : "the disk is full", { status });
  });
}

export interface DeployOptions {
  readonly args?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly terminal?: Partial<Terminal>;
  readonly prompts?: Prompts;
  readonly signal?: AbortSignal;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs, below the folder of the files. */
  readonly cwd?: string;
  /** Where the parts are; they need not be there. */
  readonly url: string;
}

export interface Deployed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `unkey deploy` on a folder with these files. */
export async function deploy(options: DeployOptions): Promise<Deployed> {
  const { args = [], files = { "Dockerfile": "FROM scratch\n" }, env = {}, terminal = {}, url } = options;
  await using process = await testProcess({
    args: ["deploy", ...args],
    env: { ...access(url), ...env },
    terminal,
    ...(options.prompts === undefined ? {} : { prompts: options.prompts }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
  });
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(`${process.cwd}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${process.cwd}/${path}`, text);
  }
  const cwd = resolve(process.cwd, options.cwd ?? ".");
  const code = await dispatch(ROOT, { ...process, cwd });
  return { code, ...process.printed };
}

/** The one object that `--json` printed. */
export function resultOf({ stdout, stderr, code }: Deployed): DeployResult {
  assert.equal(stdout.split("\n").length, 2, `one object on one line expected: ${stdout}\n${stderr}`);
  const result: DeployResult = JSON.parse(stdout);
  assert.equal(result.exitCode, code);
  return result;
}
