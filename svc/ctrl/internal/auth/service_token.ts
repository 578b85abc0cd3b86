import { type Secret, secretProblem } from "../../../../pkg/secret/mod.ts";

/** Why a service token can be guessed, as the end of a sentence that does not tell it; `undefined` for a good one. */
export function serviceTokenProblem(token: Secret): string | undefined {
  return secretProblem(token, "everything of everybody can be read and changed");
}
