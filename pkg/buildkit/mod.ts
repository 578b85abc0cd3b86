/**
 * Builds on a BuildKit daemon, over its own gRPC interface: from the URL of an archive into a registry.
 *
 * ```ts
 * const daemon = openDaemon("tcp://buildkitd:1234");
 * const outcome = await buildAndPush(daemon, {
 *   contextUrl, dockerfile: "Dockerfile", reference: "r.example/apps/ws/p:d", labels: {}, registry, signal,
 *   onEvent: (event) => show(event),
 * });
 * daemon.close();
 * ```
 *
 * The daemon fetches the archive and pushes the image by itself; the registry's password reaches it through a session that
 * lasts as long as the build. Plain HTTP for a registry is a setting of the daemon.
 *
 * @module
 */
export { buildAndPush, type BuildAndPushOutcome, type BuildAndPushRequest } from "./build.ts";
export { type Daemon, daemonAddress, openDaemon } from "./daemon.ts";
