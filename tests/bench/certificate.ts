import { Part } from "../testbed/process.ts";
import { CertificateBed } from "../integration/certificate_bed.ts";
import { BOUNDS } from "./bounds.ts";
import { quantile, type Row } from "./row.ts";

const ORDERS = 20;

/** From the wish for a certificate to its row, through a real Restate server, with the test authority and HTTP-01. */
export async function benchCertificate(): Promise<Row[]> {
  await using bed = await CertificateBed.start({ worker: (part) => new Part(part) });
  const times: number[] = [];
  for (let order = 0; order <= ORDERS; order++) {
    const hostname = `bench-${order}.example.com`;
    const startedMs = performance.now();
    await bed.request(hostname);
    await bed.issued(hostname);
    // The first one makes the account.
    if (order > 0) times.push(performance.now() - startedMs);
  }
  const [p50Ms, p95Ms] = [quantile(times, 0.5), quantile(times, 0.95)];
  return [{
    measure: "certificate, order to stored, test authority",
    bound: BOUNDS.certificateMs,
    measured: `p50 ${p50Ms.toFixed(0)} ms, p95 ${p95Ms.toFixed(0)} ms`,
    ok: p50Ms < BOUNDS.certificateMs.limit,
  }];
}
