import { systemClock } from "../../pkg/clock/mod.ts";
import { findRestateServer, requestIdentity } from "../../pkg/restate_server/mod.ts";
import { Part, type PartOptions } from "./process.ts";
import { answersOk } from "./wait.ts";

/** A Restate server that signs what it sends to workers. */
export class RestatePart extends Part {
  /** By which workers know it. */
  readonly identityKey: string;

  constructor(options: PartOptions, identityKey: string) {
    super(options);
    this.identityKey = identityKey;
  }
}

/** The real Restate server as a part that a test may kill; its data stays in the test bed's folder. */
export async function restatePart(
  directory: string,
  ports: { readonly ingress: number; readonly admin: number; readonly node: number },
  extra: Readonly<Record<string, string>> = {},
): Promise<RestatePart> {
  const { path } = await findRestateServer({
    env: (name) => Deno.env.get(name),
    clock: systemClock(),
    signal: AbortSignal.timeout(300_000),
  });
  const loopback = (port: number): string => `127.0.0.1:${port}`;
  const identityFile = `${directory}/request_identity.pem`;
  return new RestatePart({
    name: "restate",
    command: path,
    args: [],
    env: () => ({
      RESTATE_BASE_DIR: `${directory}/restate`,
      RESTATE_NODE_NAME: "test",
      RESTATE_LISTEN_MODE: "tcp",
      RESTATE_BIND_IP: "127.0.0.1",
      RESTATE_BIND_PORT: String(ports.node),
      RESTATE_INGRESS__BIND_ADDRESS: loopback(ports.ingress),
      RESTATE_ADMIN__BIND_ADDRESS: loopback(ports.admin),
      RESTATE_ADVERTISED_ADDRESS: `http://${loopback(ports.node)}`,
      RESTATE_DISABLE_TELEMETRY: "true",
      RESTATE_DEFAULT_NUM_PARTITIONS: "4",
      RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: "256MB",
      RESTATE_WORKER__INVOKER__REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE: identityFile,
      ...extra,
    }),
    logFile: `${directory}/restate.log`,
    ready: async () =>
      await answersOk(`http://${loopback(ports.ingress)}/restate/health`) &&
      await answersOk(`http://${loopback(ports.admin)}/health`),
  }, await requestIdentity(identityFile));
}
