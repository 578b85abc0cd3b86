/** TLS for tests of the proxy: one authority, and a certificate for `*.test`. */
import { createSecureContext } from "node:tls";
import { makeCertificate } from "../testkit/certificate.ts";
import { FrameWire } from "../http2/testing_frames.ts";
import type { TlsOptions } from "./mod.ts";
import { Wire } from "./testing_wire.ts";

export const SERVER_NAME = "app.test";

/** Certificates on disk, read once. */
export interface TestTls {
  readonly tls: TlsOptions;
  readonly authority: string;
}

let made: Promise<TestTls> | undefined;

/** Made once for all tests of a process. */
export function testTls(): Promise<TestTls> {
  return made ??= makeTls();
}

async function makeTls(): Promise<TestTls> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-tls-" });
  try {
    const files = await makeCertificate(folder, [`DNS:${SERVER_NAME}`, "DNS:*.test"]);
    const context = createSecureContext({
      cert: await Deno.readTextFile(files.certificate),
      key: await Deno.readTextFile(files.privateKey),
    });
    return {
      tls: { contextOf: (name) => name.endsWith(".test") ? context : undefined },
      authority: await Deno.readTextFile(files.authority),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A client of HTTP/2 on a connection of its own. */
export async function connectHttp2(
  port: number,
): Promise<{ readonly wire: Wire; readonly http2: FrameWire }> {
  const { authority } = await testTls();
  const wire = await Wire.connectTls(port, { serverName: SERVER_NAME, authority, protocol: "h2" });
  return { wire, http2: new FrameWire(wire) };
}
