/**
 * A Restate server of one's own: finds its binary, or gets it from the npm registry, and keeps it running.
 *
 * ```ts
 * const { path } = await findRestateServer({ env, clock, signal, onProgress });
 * const server = await startRestateServer({ binary: path, baseDir, logFile, clock, log, signal });
 * await askAt(server.ingressUrl, "/restate/health", { signal });
 * await server.stop();
 * ```
 *
 * The server listens on Unix sockets in its folder only, and signs its requests to workers, which know it by `server.identityKey`. It is started again when it dies; one that a killed process left behind on the
 * same folder is ended before another starts there.
 *
 * @module
 */
export {
  type FindOptions,
  findRestateServer,
  type FoundServer,
  locateRestateServer,
  restateDownload,
} from "./find.ts";
export type { DownloadProgress } from "../download/mod.ts";
export { processIdentity } from "./process_identity.ts";
export { RESTATE_VERSION } from "./release.ts";
export { requestIdentity } from "./request_identity.ts";
export { type RestateServer, type RestateServerOptions, startRestateServer } from "./server.ts";
