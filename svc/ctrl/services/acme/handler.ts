import type { ServiceImpl } from "@connectrpc/connect";
import type { AcmeService } from "../../../../proto/gen/ctrl/v1/acme_pb.ts";
import { type AcmeDeps, verifyCertificate } from "./verify_certificate.ts";
import { wantCertificate, type WantDeps } from "./want_certificate.ts";

/** Adapts the edges' use cases of certificates to `ctrl.v1.AcmeService`: decode, call, encode. */
export function acmeHandlers(deps: AcmeDeps & WantDeps): ServiceImpl<typeof AcmeService> {
  return {
    async verifyCertificate(request) {
      return { authorization: await verifyCertificate(deps, request) };
    },
    async wantCertificate({ hostname }) {
      return { ordered: await wantCertificate(deps, hostname) };
    },
  };
}
