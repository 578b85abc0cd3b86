/** Callers, as authenticated before all services. */
import { type ContextValues, createContextKey } from "@connectrpc/connect";
import { Fault } from "../../../../pkg/fault/mod.ts";
import type { WorkspaceId } from "../../../../pkg/uid/mod.ts";

/** A developer's key: one workspace, and its permissions there. */
export interface RootKeyPrincipal {
  readonly kind: "root_key";
  readonly workspaceId: WorkspaceId;
  readonly keyId: string;
  /** Given by its owner; may be empty. */
  readonly keyName: string;
  readonly permissions: ReadonlySet<string>;
  /** The session of a browser that acts with the key. */
  readonly sessionId?: string;
}

/** An agent: it reads and reports its own region only. */
export interface RegionPrincipal {
  readonly kind: "region";
  readonly region: string;
  /** Where the instances are that it reports; empty: the default rule holds. */
  readonly networks: readonly string[];
}

/** An edge: it reads routes. */
export interface EdgePrincipal {
  readonly kind: "edge";
}

/** The proxy of one environment in one region: it reads that environment's routes, and may do nothing else. */
export interface SentinelPrincipal {
  readonly kind: "sentinel";
  readonly sentinelId: string;
  readonly environmentId: string;
  readonly region: string;
}

/** Another part of the control plane, or its operator. */
export interface ServicePrincipal {
  readonly kind: "service";
}

export type Principal =
  | RootKeyPrincipal
  | RegionPrincipal
  | EdgePrincipal
  | SentinelPrincipal
  | ServicePrincipal;

const PRINCIPAL = createContextKey<Principal | undefined>(undefined, { description: "principal" });

/** Set once by the gate, before the call's body is read. */
export function setPrincipal(values: ContextValues, principal: Principal): void {
  values.set(PRINCIPAL, principal);
}

/** The caller of any kind; `undefined` for a public method. */
export function callerOf(values: ContextValues): Principal | undefined {
  return values.get(PRINCIPAL);
}

/**
 * The caller, which must be one of `kinds`.
 *
 * @throws `unauthenticated` when the gate let in another kind, which its policy should have made impossible
 */
export function principalOf<K extends Principal["kind"]>(
  values: ContextValues,
  ...kinds: readonly K[]
): Extract<Principal, { kind: K }> {
  const principal = values.get(PRINCIPAL);
  if (principal === undefined || !isOneOf(principal, kinds)) {
    throw new Fault("unauthenticated", `no principal of kind ${kinds.join(" or ")} in the call`);
  }
  return principal;
}

function isOneOf<K extends Principal["kind"]>(
  principal: Principal,
  kinds: readonly K[],
): principal is Extract<Principal, { kind: K }> {
  return kinds.some((kind) => kind === principal.kind);
}
