/** Certificates as the callers of their workflow see them. */
import { iface } from "@restatedev/restate-sdk/fetch";
import { protoSerde } from "../../../../pkg/durable/mod.ts";
import {
  ProcessChallengeRequestSchema,
  ProcessChallengeResponseSchema,
  RenewExpiringCertificatesRequestSchema,
  RenewExpiringCertificatesResponseSchema,
} from "../../../../proto/gen/hydra/v1/hydra_pb.ts";
import { CERTIFICATE_SERVICE } from "../../internal/workflows/names.ts";

/**
 * Gets certificates and renews them.
 *
 * One object per host name, as the certificate has it: two orders of one name never overlap. An attempt is one call; the
 * wait for the next one is a message with a delay, so that a worker of an older version need not stay for it. What is
 * wanted, and how far it got, is in the tables `certificate_orders` and `certificates`.
 */
export const CertificateService = iface.object(CERTIFICATE_SERVICE, {
  ProcessChallenge: iface.serdes({
    input: protoSerde(ProcessChallengeRequestSchema),
    output: protoSerde(ProcessChallengeResponseSchema),
  }),
  /** Key `global`. */
  RenewExpiringCertificates: iface.serdes({
    input: protoSerde(RenewExpiringCertificatesRequestSchema),
    output: protoSerde(RenewExpiringCertificatesResponseSchema),
  }),
});
