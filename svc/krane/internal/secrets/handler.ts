import type { ServiceImpl } from "@connectrpc/connect";
import type { SecretsService } from "../../../../proto/gen/krane/v1/secrets_pb.ts";
import { type GiveDeps, variablesGiver } from "./give_variables.ts";

/** `krane.v1.SecretsService`; the proof of the caller is in the message. */
export function secretsHandler(deps: GiveDeps): ServiceImpl<typeof SecretsService> {
  const give = variablesGiver(deps);
  return {
    async decryptSecretsBlob({ deploymentId, encryptedBlob, environmentId, token }, { signal }) {
      const request = { deploymentId, environmentId, token, blob: encryptedBlob };
      return { envVars: await give(request, signal) };
    },
  };
}
