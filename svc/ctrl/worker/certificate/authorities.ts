/** Authorities in the order in which they are asked, with the accounts of workspaces at them. */
import {
  type Account,
  type Authority,
  CircuitBreaker,
  type Failure,
  newPrivateKey,
  type Outcome,
} from "../../../../pkg/acme/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import { openAccountKey, sealAccountKey } from "../../internal/certificates/mod.ts";
import {
  type AcmeLimits,
  createAcmeAccount,
  type CtrlDatabase,
  findAcmeAccount,
  setAcmeAccountUrl,
} from "../../internal/store/mod.ts";

/** An authority as the settings name it. */
export interface ConfiguredAuthority {
  readonly authority: Authority;
  /** `undefined`: it publishes none. */
  readonly limits: AcmeLimits | undefined;
}

export interface AccountsDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly vault: Vault;
  /** Where authorities send warnings. */
  readonly email: string | undefined;
}

/** A workspace at an authority. */
export interface Membership {
  readonly workspaceId: string;
  readonly authority: Authority;
}

/** Calls authorities, and keeps from those that do not answer. */
export class Authorities {
  readonly all: readonly ConfiguredAuthority[];
  readonly #deps: AccountsDeps;
  readonly #breakers = new Map<string, CircuitBreaker>();

  constructor(all: readonly ConfiguredAuthority[], deps: AccountsDeps) {
    this.all = all;
    this.#deps = deps;
  }

  find(directoryUrl: string): Authority | undefined {
    return this.all.find(({ authority }) => authority.directoryUrl === directoryUrl)?.authority;
  }

  /** True while it does not answer: calls would only take time. */
  isAvoided({ directoryUrl }: Authority): boolean {
    return this.#breaker(directoryUrl).isOpen(this.#deps.clock.now());
  }

  /** Calls with the workspace's account, which is made at the first call. */
  async call<T>(
    { workspaceId, authority }: Membership,
    signal: AbortSignal,
    work: (account: Account) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    const account = await this.#account({ workspaceId, authority }, signal);
    if (account.kind !== "ok") return this.#note(authority, account);
    const outcome = this.#note(authority, await work(account.value));
    if (outcome.kind === "refused" && outcome.type === "accountDoesNotExist") {
      const key = { workspace_id: workspaceId, directory_url: authority.directoryUrl };
      await setAcmeAccountUrl(this.#deps.db.kysely, key, null);
      return { kind: "retry", afterMs: 0, detail: outcome.detail };
    }
    return outcome;
  }

  /** Calls without an account. */
  async ask<T>(authority: Authority, work: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
    return this.#note(authority, await work());
  }

  /** Two first uses at once make one key, so the authority makes one account. */
  async #account({ workspaceId, authority }: Membership, signal: AbortSignal): Promise<Outcome<Account>> {
    const { db, clock, vault, email } = this.#deps;
    const { directoryUrl } = authority;
    const owner = { workspaceId, directoryUrl };
    const id = { workspace_id: workspaceId, directory_url: directoryUrl };
    const row = await findAcmeAccount(db.kysely, id) ??
      await createAcmeAccount(
        db.kysely,
        { ...id, encrypted_key: await sealAccountKey(vault, owner, newPrivateKey()) },
        clock.now(),
      );
    if (row === undefined) throw new Fault("internal", `no account for ${directoryUrl} after it was made`);
    const key = await openAccountKey(vault, owner, row.encrypted_key);
    if (row.account_url !== null) return { kind: "ok", value: { key, url: row.account_url } };
    const registered = await authority.register({ key }, { email }, signal);
    if (registered.kind !== "ok") return registered;
    await setAcmeAccountUrl(db.kysely, id, registered.value);
    return { kind: "ok", value: { key, url: registered.value } };
  }

  #note<O extends { readonly kind: "ok" } | Failure>(authority: Authority, outcome: O): O {
    const breaker = this.#breaker(authority.directoryUrl);
    if (outcome.kind === "retry") breaker.failed(this.#deps.clock.now());
    else breaker.succeeded();
    return outcome;
  }

  #breaker(directoryUrl: string): CircuitBreaker {
    const known = this.#breakers.get(directoryUrl);
    if (known !== undefined) return known;
    const breaker = new CircuitBreaker();
    this.#breakers.set(directoryUrl, breaker);
    return breaker;
  }
}
