import type { Clock } from "../../../pkg/clock/mod.ts";
import { problemsOf } from "../../../pkg/config/mod.ts";
import { Fault } from "../../../pkg/fault/mod.ts";
import {
  createFileObjectStore,
  type FileObjectStore,
  type ObjectStore,
} from "../../../pkg/objectstore/mod.ts";
import { createS3ObjectStore } from "../../../pkg/s3/mod.ts";
import { filesSigningKey } from "../internal/files_signing_key.ts";
import { s3Options } from "../internal/s3_options.ts";
import { WORKER_RULES, type WorkerConfig } from "./config/config.ts";

/** The object store that the api puts build contexts into. */
export interface WorkerObjects {
  readonly store: Pick<ObjectStore, "head" | "presignGet" | "fetch">;
  close(): void;
}

/** Opens the store that the settings name; `request` reads from the api's own. Does no I/O. */
export function openObjects(config: WorkerConfig, clock: Clock, request: typeof fetch): WorkerObjects {
  const options = s3Options(config, clock);
  if (options !== undefined) {
    const store = createS3ObjectStore(options);
    return { store, close: () => store.close() };
  }
  const { buildFilesDir: directory, buildFilesUrl: baseUrl, vaultMasterKeys } = config;
  const signingKey = config.buildFilesSigningKey ?? (vaultMasterKeys && filesSigningKey(vaultMasterKeys));
  if (directory === undefined || baseUrl === undefined || signingKey === undefined) {
    throw new Fault("invalid_argument", problemsOf(WORKER_RULES, config).join("; "));
  }
  // The worker only reads, so the limits of uploads are not its concern.
  const none = { sizeMaxBytes: Number.MAX_SAFE_INTEGER, bytesFreeMin: 0 };
  const store = createFileObjectStore({ directory, baseUrl, signingKey, ...none, clock });
  return { store: { ...store, fetch: fromFolder(store, request) }, close: () => undefined };
}

/** Reads objects in this worker's own folder, which takes half the processor time of a request, and from the api those that it cannot read there. */
function fromFolder(store: FileObjectStore, request: typeof fetch): typeof fetch {
  return async (input, init) => {
    const answer = await store.handler(new Request(input, init)).catch(() => undefined);
    return answer?.ok === true ? answer : await request(input, init);
  };
}
