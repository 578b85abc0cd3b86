/** A watch stream as the wire has it, without a client library: what a thousand clients cost is not what is measured. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { endStreamFlag } from "@connectrpc/connect/protocol-connect";
import {
  ClusterService,
  type DeploymentState,
  WatchDeploymentsRequestSchema,
} from "../../proto/gen/ctrl/v1/cluster_pb.ts";

/** Where to watch from, as whom. */
export interface WatchAs {
  readonly url: string;
  readonly agentId: string;
  readonly region: string;
  readonly token: string;
}

const ENVELOPE_BYTES = 5;
const { input, output, parent, name } = ClusterService.method.watchDeployments;

/**
 * Hands each message of the agent's stream to `take`, from a snapshot on, until `signal` aborts. Connect's protocol for
 * streams: https://connectrpc.com/docs/protocol/#streaming-rpcs
 *
 * @throws when the stream ends, with what the server said of it
 */
export async function watchDeployments(
  { url, agentId, region, token }: WatchAs,
  take: (state: DeploymentState) => void,
  signal: AbortSignal,
): Promise<never> {
  const request = toBinary(input, create(WatchDeploymentsRequestSchema, { region, agentId }));
  const response = await fetch(`${url}/${parent.typeName}/${name}`, {
    method: "POST",
    headers: {
      "content-type": "application/connect+proto",
      "connect-protocol-version": "1",
      "authorization": `Bearer ${token}`,
      "x-krane-region": region,
    },
    body: encodeEnvelope(0, request),
    signal,
  });
  if (!response.ok || response.body === null) throw new Error(`${response.status} ${await response.text()}`);
  let rest = new Uint8Array();
  for await (const chunk of response.body) {
    rest = joined(rest, chunk);
    for (;;) {
      if (rest.length < ENVELOPE_BYTES) break;
      const end = ENVELOPE_BYTES + new DataView(rest.buffer, rest.byteOffset).getUint32(1);
      if (rest.length < end) break;
      const message = rest.subarray(ENVELOPE_BYTES, end);
      if (rest[0] === endStreamFlag) {
        throw new Error(`the stream ended: ${new TextDecoder().decode(message)}`);
      }
      take(fromBinary(output, message));
      rest = rest.subarray(end);
    }
  }
  throw new Error("the connection ended");
}

function joined(rest: Uint8Array<ArrayBuffer>, chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (rest.length === 0) return chunk;
  const all = new Uint8Array(rest.length + chunk.length);
  all.set(rest);
  all.set(chunk, rest.length);
  return all;
}
