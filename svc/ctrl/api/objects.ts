import type { Clock } from "../../../pkg/clock/mod.ts";
import { Fault } from "../../../pkg/fault/mod.ts";
import {
  createFileObjectStore,
  type FileObjectStore,
  type ObjectStore,
} from "../../../pkg/objectstore/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import { createS3ObjectStore, type S3ObjectStore } from "../../../pkg/s3/mod.ts";
import type { HttpRoute } from "../../../pkg/rpc/mod.ts";
import type { DeploymentDeps } from "../services/deployment/deps.ts";
import { type ContextLimits, PACK_BYTES_MAX } from "../services/upload/deps.ts";
import type { ApiConfig } from "./config.ts";
import { filesSigningKey } from "../internal/files_signing_key.ts";
import { s3Options } from "../internal/s3_options.ts";

/** The object store that the settings name. */
export interface Objects {
  readonly store: ObjectStore;
  /** Serves the objects, where this process keeps them. */
  readonly route: HttpRoute | undefined;
  /** @throws `unavailable` when the store cannot be used */
  prepare(log: Logger): Promise<void>;
  close(): void;
}

const MEBIBYTE = 1024 * 1024;

/** This process as its own client. */
export interface OwnPort {
  /** Known once it listens. */
  readonly port: () => number;
  readonly fetch: typeof fetch;
}

/** Opens the store without I/O. */
export function openObjects(config: ApiConfig, clock: Clock, own: OwnPort): Objects {
  if (config.buildFilesDir !== undefined) return openFolder(config, config.buildFilesDir, clock, own);
  const options = s3Options(config, clock);
  if (options === undefined) {
    throw new Fault("invalid_argument", "the settings name no object store", {
      publicMessage: "Neither a bucket nor a folder for build contexts is configured.",
    });
  }
  const store = createS3ObjectStore({ ...options, externalUrl: config.buildS3ExternalUrl });
  return { store, route: undefined, prepare: (log) => prepareBucket(store, log), close: () => store.close() };
}

async function prepareBucket(store: S3ObjectStore, log: Logger): Promise<void> {
  // A bucket that was there may be shared: its owner decides on its rules.
  if (!await store.ensureBucket()) return;
  const lifecycle = await store.endOldVersions();
  if (lifecycle === "set") log.info("old versions of objects in the bucket end after a day");
  if (lifecycle === "refused") log.info("the bucket's lifecycle rules cannot be seen or set");
}

/** The store is made at its first use, when the port that URLs lead to is known. */
function openFolder(config: ApiConfig, directory: string, clock: Clock, own: OwnPort): Objects {
  const scheme = config.tlsCertFile === undefined ? "http" : "https";
  let opened: FileObjectStore | undefined;
  const store = (): FileObjectStore =>
    opened ??= createFileObjectStore({
      directory,
      baseUrl: config.buildFilesUrl ?? `${scheme}://127.0.0.1:${own.port()}`,
      ...(config.buildFilesExternalUrl === undefined ? {} : { externalUrl: config.buildFilesExternalUrl }),
      signingKey: config.buildFilesSigningKey ?? filesSigningKey(config.vaultMasterKeys),
      // An archive, or a pack.
      sizeMaxBytes: Math.max(uploadLimits(config).bytesMax, PACK_BYTES_MAX),
      bytesFreeMin: config.uploadDiskFreeMib * MEBIBYTE,
      clock,
    });
  return {
    store: {
      presignPut: (key, options) => store().presignPut(key, options),
      presignGet: (key, options) => store().presignGet(key, options),
      head: (key) => store().head(key),
      delete: (key) => store().delete(key),
      fetch: own.fetch,
    },
    route: (request) => store().handler(request),
    prepare: () => Promise.resolve(),
    close: () => undefined,
  };
}

/** The limits that the settings make for contexts by content. */
export function contextLimits(
  { uploadContentMax, uploadFilesMax, uploadsSizeMax }: ApiConfig,
): ContextLimits {
  return {
    contentBytesMax: uploadContentMax * MEBIBYTE,
    entriesMax: uploadFilesMax,
    workspaceBytesMax: uploadsSizeMax * MEBIBYTE,
  };
}

/** The limits that the settings make for uploads. */
export function uploadLimits(
  { uploadSizeMax, uploadsSizeMax, uploadsCountMax }: ApiConfig,
): DeploymentDeps["uploads"] {
  return {
    bytesMax: uploadSizeMax * MEBIBYTE,
    workspaceBytesMax: uploadsSizeMax * MEBIBYTE,
    workspaceCountMax: uploadsCountMax,
  };
}
