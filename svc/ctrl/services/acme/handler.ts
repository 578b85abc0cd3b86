import type { ServiceImpl } from "@connectrpc/connect";
import type { AcmeService } from "../../../../proto/gen/ctrl/v1/acme_pb.ts";
import { type AcmeDeps, verifyCertificate } from "./verify_certificate.ts";

/** Adapts the answers to authorities to `ctrl.v1.AcmeService`: decode, call, encode. */
export function acmeHandlers(deps: AcmeDeps): ServiceImpl<typeof AcmeService> {
  return {
    async verifyCertificate(request) {
      return { authorization: await verifyCertificate(deps, request) };
    },
  };
}
