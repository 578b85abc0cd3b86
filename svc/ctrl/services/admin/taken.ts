import { isFault, publicFault } from "../../../../pkg/fault/mod.ts";

/** Writes something with a slug. @throws `already_exists` that says so when the slug is taken */
export async function unlessTaken(what: string, taken: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isFault(error, "already_exists")) throw error;
    throw publicFault("already_exists", `There is a ${what} "${taken}" already: choose another slug.`, error);
  }
}
