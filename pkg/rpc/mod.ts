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
export { type ClientOptions, createRpcClient } from "./client.ts";
export {
  faultInterceptor,
  fromConnectError,
  genericMessage,
  isAnswer,
  type OnRpcError,
} from "./fault_interceptor.ts";
export { addCallFields, type Call, type Gate, requestIdOf } from "./call.ts";
export type { HttpRoute } from "./plain.ts";
export { type RpcServer, type RpcServerOptions, type ServerLimits, serveRpc } from "./server.ts";
