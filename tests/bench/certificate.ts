import { connect } from "node:tls";
import { Secret } from "../../pkg/config/mod.ts";
import { CertificateBed } from "../integration/certificate_bed.ts";
import { startEdge } from "../integration/frontline_edge.ts";
import { Part } from "../testbed/process.ts";
import { eventually } from "../testbed/wait.ts";
import { BOUNDS } from "./bounds.ts";
import { quantile, type Row } from "./row.ts";

const ORDERS = 20;
const LOOK_MS = 5;

/**
 * From the wish for a certificate to its row, and to the first handshake with it at an edge; through a real Restate server,
 * with the test authority and HTTP-01.
 */
export async function benchCertificate(): Promise<Row[]> {
  await using bed = await CertificateBed.start({ worker: (part) => new Part(part), ownEdge: true });
  await using edge = startEdge(bed.api.url, {
    httpPort: bed.httpPort,
    httpsPort: 0,
    controlPlaneBearer: new Secret(bed.edgeToken),
  });
  await edge.ready;
  const stored: number[] = [];
  const served: number[] = [];
  for (let order = 0; order <= ORDERS; order++) {
    const hostname = `bench-${order}.example.com`;
    const startedMs = performance.now();
    await bed.request(hostname);
    const ends = await Promise.all([
      bed.issued(hostname).then(() => performance.now() - startedMs),
      eventually(`${hostname} to be served`, () => shakes(edge.httpsPort ?? 0, hostname), {
        everyMs: LOOK_MS,
      })
        .then(() => performance.now() - startedMs),
    ]);
    // The first one makes the account.
    if (order === 0) continue;
    stored.push(ends[0]);
    served.push(ends[1]);
  }
  return [row("stored", stored), row("served", served)];
}

function row(end: string, times: readonly number[]): Row {
  const [p50Ms, p95Ms] = [quantile(times, 0.5), quantile(times, 0.95)];
  return {
    measure: `certificate, order to ${end}, test authority`,
    bound: BOUNDS.certificateMs,
    measured: `p50 ${p50Ms.toFixed(0)} ms, p95 ${p95Ms.toFixed(0)} ms`,
    ok: p50Ms < BOUNDS.certificateMs.limit,
  };
}

/** True when a handshake for the name comes to its end. */
function shakes(port: number, servername: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, servername, rejectUnauthorized: false });
    const end = (isServed: boolean): void => {
      socket.destroy();
      resolve(isServed);
    };
    socket.once("secureConnect", () => end(true)).once("error", () => end(false)).once(
      "close",
      () => end(false),
    );
  });
}
