/** The state that a plan is made from. */
import { z } from "zod";
import { digestOf } from "../../../../pkg/hash/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import { ownSettings } from "../../internal/deployments/app/own.ts";
import { decodeAppSettings, decodeAppSnapshot, settingsOf } from "../../internal/deployments/app/settings.ts";
import { decodeSizeSettings } from "../../internal/deployments/size.ts";
import {
  type CustomDomainsTable,
  type DeploymentsTable,
  type EnvironmentsTable,
  type EnvironmentVariablesTable,
  findCustomDomain,
  findDeployment,
  listEnvironmentVariables,
  type Queryable,
} from "../../internal/store/mod.ts";
import type { Live, Stored } from "./plan.ts";

/** The rows of an environment, with those of its wanted domains that are there. */
export interface StateRows {
  readonly environment: EnvironmentsTable;
  readonly variables: readonly EnvironmentVariablesTable[];
  readonly live: DeploymentsTable | undefined;
  readonly domains: readonly CustomDomainsTable[];
}

export async function readRows(
  db: Queryable,
  environment: EnvironmentsTable,
  hostnames: readonly string[],
): Promise<StateRows> {
  const { workspace_id: workspaceId, live_deployment_id: liveId } = environment;
  const domains: CustomDomainsTable[] = [];
  for (const hostname of hostnames) {
    const row = await findCustomDomain(db, { workspaceId, hostname });
    if (row !== undefined) domains.push(row);
  }
  return {
    environment,
    variables: await listEnvironmentVariables(db, environment.id),
    live: liveId === null ? undefined : await findDeployment(db, liveId),
    domains,
  };
}

/** Equal as long as nothing changed from which plans are made. A value that is set again counts as a change. */
export function digestOfRows({ environment, variables, live, domains }: StateRows): string {
  const { size, app_settings: settings, idle_end_seconds: idleEnd } = environment;
  return digestOf([
    [size, settings, idleEnd, live?.id ?? null],
    variables.map(({ name, ciphertext }) => [name, ciphertext]),
    domains.map(({ id, environment_id: owner, redirect_to: to }) => [id, owner, to]),
  ]);
}

const SEALED = z.record(z.string(), z.string());

/** The state with digests in the place of values. @throws when a value cannot be decrypted */
export async function openState(
  vault: Vault,
  { environment, variables, live, domains }: StateRows,
): Promise<{ readonly stored: Stored; readonly live: Live | undefined }> {
  const sealed = new Map(variables.map(({ name, ciphertext }) => [name, ciphertext]));
  const digests = await digestsOf(vault, environment.id, sealed);
  const { idle_end_seconds: idleEnd } = environment;
  return {
    stored: {
      size: decodeSizeSettings(environment.size),
      sizeSetAtMs: environment.size_set_at,
      settings: decodeAppSettings(environment.app_settings),
      idleEndSeconds: idleEnd ?? undefined,
      variables: digests,
      domains: new Map(domains.map(({ hostname, redirect_to: to }) => [hostname, to])),
    },
    live: live === undefined ? undefined : await openLive(vault, live, { sealed, digests }),
  };
}

/** Equal for equal values of the variable. Without the vault's key no value is found by trying. */
export function variableDigest(vault: Vault, environmentId: string, name: string, value: string): string {
  return vault.digest(`${environmentId}/${name}`, value);
}

async function openLive(
  vault: Vault,
  row: DeploymentsTable,
  stored: { readonly sealed: ReadonlyMap<string, string>; readonly digests: ReadonlyMap<string, string> },
): Promise<Live> {
  const sealed = Object.entries(SEALED.parse(JSON.parse(row.encrypted_environment_variables)));
  const isSame = (name: string, text: string): boolean => stored.sealed.get(name) === text;
  const others = await digestsOf(
    vault,
    row.environment_id,
    new Map(sealed.filter((each) => !isSame(...each))),
  );
  const own = ownSettings(row);
  const snapshot = decodeAppSnapshot(row.app_settings);
  return {
    id: row.id,
    createdAtMs: row.created_at,
    size: { cpuMillicores: row.cpu_millicores, memoryMib: row.memory_mib, replicas: row.replicas },
    own,
    settings: snapshot === undefined ? own : settingsOf(snapshot),
    appProtocol: row.app_protocol ?? "",
    variables: new Map(
      sealed.map(([name]) => [name, others.get(name) ?? stored.digests.get(name) ?? ""]),
    ),
  };
}

async function digestsOf(
  vault: Vault,
  environmentId: string,
  sealed: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> {
  return new Map(
    await Promise.all([...sealed].map(async ([name, text]): Promise<[string, string]> => {
      const value = await vault.decrypt(environmentId, name, text);
      return [name, variableDigest(vault, environmentId, name, value)];
    })),
  );
}
