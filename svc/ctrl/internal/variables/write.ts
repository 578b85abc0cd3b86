/** Rules and writes of an environment's variables. */
import { Fault } from "../../../../pkg/fault/mod.ts";
import { plaintextBytes } from "../../../../pkg/vault/mod.ts";
import { reserve } from "../limits/mod.ts";
import {
  type EnvironmentVariablesTable,
  listEnvironmentVariables,
  removeEnvironmentVariable,
  setEnvironmentVariables,
  type Tx,
} from "../store/mod.ts";
import { byteLength, invalid, variableName } from "../validate/mod.ts";

/** Names and values of one environment together; more would not fit into a process's environment beside the rest. */
const BYTES_MAX = 64 * 1024;
const VARIABLES_MAX = 500;

/** @throws `invalid_argument` for a bad name or value; `too_large` for more than 64 KiB */
export function checkVariables(field: string, variables: Readonly<Record<string, string>>): void {
  const given = Object.entries(variables);
  for (const [name, value] of given) {
    checkVariableName(field, name);
    if (value.includes("\0")) throw invalid(`${field}.${name}`, "must not contain NUL");
  }
  if (given.reduce((sum, [name, value]) => sum + byteLength(name) + byteLength(value), 0) > BYTES_MAX) {
    throw tooLarge();
  }
}

/** @throws `invalid_argument` */
export function checkVariableName(field: string, name: string): void {
  variableName(field, name);
  if (name === "PORT") {
    throw invalid(field, 'must not hold PORT: the app gets the port that "unkey deploy --port" names');
  }
}

/** @throws `too_large` for more variables, or more bytes of names and values, than an environment holds */
export function refuseTooLarge(ciphertexts: ReadonlyMap<string, string>): void {
  const bytes = [...ciphertexts].reduce(
    (sum, [name, each]) => sum + byteLength(name) + plaintextBytes(each),
    0,
  );
  if (bytes > BYTES_MAX || ciphertexts.size > VARIABLES_MAX) throw tooLarge();
}

/**
 * Sets and removes variables; the others stay. The caller holds the workspace and the environment: limits hold for
 * concurrent calls together.
 *
 * @throws `too_large`, and `failed_precondition` for more than the workspace may have
 */
export async function writeVariables(
  tx: Tx,
  { workspaceId, environmentId, set, removed, nowMs }: {
    readonly workspaceId: string;
    readonly environmentId: string;
    readonly set: readonly Pick<EnvironmentVariablesTable, "name" | "ciphertext">[];
    readonly removed: readonly string[];
    readonly nowMs: number;
  },
): Promise<void> {
  const after = new Map(
    (await listEnvironmentVariables(tx, environmentId)).map((row) => [row.name, row.ciphertext]),
  );
  for (const name of removed) {
    after.delete(name);
    await removeEnvironmentVariable(tx, environmentId, name);
  }
  const added = set.filter(({ name }) => !after.has(name)).length;
  for (const { name, ciphertext } of set) after.set(name, ciphertext);
  refuseTooLarge(after);
  if (added > 0) await reserve(tx, ["variables"], { workspaceId, added, nowMs });
  if (set.length > 0) {
    await setEnvironmentVariables(tx, { workspaceId, environmentId, variables: set, nowMs });
  }
}

function tooLarge(): Fault {
  const text =
    `An environment holds at most ${VARIABLES_MAX} variables and 64 KiB of names and values together: ` +
    "remove some, or keep large values in files of the image.";
  return new Fault("too_large", text, { publicMessage: text });
}
