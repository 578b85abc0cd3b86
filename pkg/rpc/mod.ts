/**
 * Connect RPC, both sides: typed clients with credentials and deadlines, and the conversion of faults.
 *
 * ```ts
 * const client = createRpcClient(DeploymentService, { baseUrl, token });
 * const { deployment } = await client.getDeployment({ deploymentId });
 * ```
 *
 * @module
 */
export { type ClientOptions, createRpcClient, isUntrusted } from "./client.ts";
export { fromConnectError, genericMessage, isAnswer, isUnimplemented } from "./faults.ts";
export { addCallFields, type Admission, type Call } from "./call.ts";
export { clientAddress } from "./client_address.ts";
export { hasClientCertificate, type StreamClient, streamClientOf } from "./context.ts";
export { type JsonLimits, jsonProblem } from "./json_shape.ts";
export type { HttpRoute } from "./plain.ts";
export { RPC_METRICS } from "./metrics.ts";
export type { ConnectionLimits } from "./open_listener.ts";
export { serveWeb, type WebServer, type WebServerOptions } from "./web_server.ts";
export { type RpcServer, type RpcServerOptions, type ServerLimits, serveRpc } from "./server.ts";
