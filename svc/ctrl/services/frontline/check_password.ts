import { Semaphore } from "../../../../pkg/async/mod.ts";
import { type Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import { isPassword, PASSWORD_BYTES_MAX } from "../../internal/protection/mod.ts";
import {
  type CtrlDatabase,
  findAnyEnvironment,
  listProtections,
  protectionOf,
} from "../../internal/store/mod.ts";

/** A check costs as much as a hundred other calls. */
const CHECKS_MAX = 2;
/** Checks that wait, so that guesses for one environment keep no other one's visitors out. */
const WAITING_MAX = 32;
const OF_ENVIRONMENT_MAX = 4;

/** Looks at passwords that visitors give to edges, a few at a time; one per process. */
export class PasswordChecker {
  readonly #db: CtrlDatabase;
  readonly #semaphore = new Semaphore({ permits: CHECKS_MAX });
  readonly #ofEnvironment = new Map<string, number>();

  constructor({ db }: { readonly db: CtrlDatabase }) {
    this.#db = db;
  }

  /** True for the password of the environment. @throws `rate_limited` with too many checks at a time */
  async check({ environmentId, password }: {
    readonly environmentId: string;
    readonly password: string;
  }): Promise<boolean> {
    const id = parseId("environment", "environment_id", environmentId);
    if (password === "" || new TextEncoder().encode(password).length > PASSWORD_BYTES_MAX) return false;
    const under = this.#ofEnvironment.get(id) ?? 0;
    if (under >= OF_ENVIRONMENT_MAX || this.#semaphore.waiting >= WAITING_MAX) throw tooMany();
    this.#ofEnvironment.set(id, under + 1);
    try {
      const hash = await this.#hashOf(id);
      if (hash === undefined) return false;
      return await this.#semaphore.run(() => isPassword(password, hash));
    } finally {
      const left = (this.#ofEnvironment.get(id) ?? 1) - 1;
      if (left === 0) this.#ofEnvironment.delete(id);
      else this.#ofEnvironment.set(id, left);
    }
  }

  async #hashOf(id: string): Promise<string | undefined> {
    const { kysely } = this.#db;
    const environment = await findAnyEnvironment(kysely, id);
    if (environment === undefined) return undefined;
    const { workspace_id: workspaceId, project_id: projectId } = environment;
    return protectionOf(await listProtections(kysely, { workspaceId, projectId }), environment)
      ?.password_hash;
  }
}

function tooMany(): Fault {
  return publicFault("rate_limited", "Too many passwords are being checked. Try again in a moment.");
}
