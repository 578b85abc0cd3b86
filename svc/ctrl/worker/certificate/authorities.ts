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
import { transact } from "../../../../pkg/db/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import { openAccountKey, sealAccountKey } from "../../internal/certificates/mod.ts";
import {
  type AcmeAccountsTable,
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
  /** Registrations under way, by workspace and authority. */
  readonly #registering = new Map<string, Promise<Outcome<Account>>>();

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

  async #account(membership: Membership, signal: AbortSignal): Promise<Outcome<Account>> {
    const { workspaceId, authority: { directoryUrl } } = membership;
    const row = await findAcmeAccount(this.#deps.db.kysely, {
      workspace_id: workspaceId,
      directory_url: directoryUrl,
    });
    if (row !== undefined && row.account_url !== null) return await this.#opened(membership, row);
    const key = JSON.stringify([workspaceId, directoryUrl]);
    // First uses take turns: each registration counts at the authority.
    for (let other = this.#registering.get(key); other !== undefined; other = this.#registering.get(key)) {
      // Its failure is that of its own call.
      await other.catch(() => undefined);
      signal.throwIfAborted();
    }
    const own = this.#register(membership, signal).finally(() => this.#registering.delete(key));
    this.#registering.set(key, own);
    return await own;
  }

  /** First uses of several workers make one key, so the authority makes one account. */
  async #register(membership: Membership, signal: AbortSignal): Promise<Outcome<Account>> {
    const { db, clock, vault, email } = this.#deps;
    const { workspaceId, authority } = membership;
    const { directoryUrl } = authority;
    const id = { workspace_id: workspaceId, directory_url: directoryUrl };
    const encrypted_key = await sealAccountKey(vault, { workspaceId, directoryUrl }, newPrivateKey());
    const limit = this.all.find((each) => each.authority === authority)?.limits?.accounts;
    const made = await transact(
      db,
      (tx) => createAcmeAccount(tx, { ...id, encrypted_key }, { limit, nowMs: clock.now() }),
    );
    if (made.kind === "full") {
      const detail = "its limit of new accounts is spent for now";
      return { kind: "rate_limited", untilMs: made.untilMs, detail };
    }
    const opened = await this.#opened(membership, made.account);
    if (opened.value.url !== undefined) return opened;
    const registered = await authority.register(opened.value, { email }, signal);
    if (registered.kind !== "ok") return registered;
    await setAcmeAccountUrl(db.kysely, id, registered.value);
    return { kind: "ok", value: { key: opened.value.key, url: registered.value } };
  }

  async #opened(
    { workspaceId, authority: { directoryUrl } }: Membership,
    { account_url, encrypted_key }: AcmeAccountsTable,
  ): Promise<{ readonly kind: "ok"; readonly value: Account }> {
    const key = await openAccountKey(this.#deps.vault, { workspaceId, directoryUrl }, encrypted_key);
    return { kind: "ok", value: { key, url: account_url ?? undefined } };
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
