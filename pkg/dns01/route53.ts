import type { Route53Client } from "@aws-sdk/client-route-53";
import type * as Library from "@aws-sdk/client-route-53";
import { describeError, Fault } from "../fault/mod.ts";
import type { Secret } from "../secret/mod.ts";
import { quoteTxt, readTxt } from "./txt_text.ts";
import { type DnsProvider, REQUEST_MS_MAX, TTL_SECONDS, type TxtRecord } from "./provider.ts";

export interface Route53Options {
  /** Without them those of the machine are used, as by AWS' own programs. */
  readonly credentials?: { readonly accessKeyId: Secret; readonly secretAccessKey: Secret } | undefined;
  /** Instead of looking for the zone by its name. */
  readonly zoneId?: string | undefined;
  /** Default: AWS' own. */
  readonly url?: string | undefined;
}

/** Route 53 has one region for all. */
const REGION = "us-east-1";
const ATTEMPTS_MAX = 5;
/** Two writers of one name: the one that comes second reads again. */
const ROUNDS_MAX = 5;

/** The values are as they are written there: what another writer wrote must be deleted letter by letter. */
type Change = (values: readonly string[]) => readonly string[];

/** Amazon Route 53. All values of a name are one record there, so a change is read, and written if nothing came between. */
export function openRoute53({ credentials, zoneId, url }: Route53Options): DnsProvider {
  let opened: Promise<{ readonly library: typeof Library; readonly client: Route53Client }> | undefined;
  const open = () =>
    opened ??= import("@aws-sdk/client-route-53").then((library) => ({
      library,
      client: new library.Route53Client({
        region: REGION,
        maxAttempts: ATTEMPTS_MAX,
        ...(url === undefined ? {} : { endpoint: url }),
        ...(credentials === undefined ? {} : {
          credentials: {
            accessKeyId: credentials.accessKeyId.reveal(),
            secretAccessKey: credentials.secretAccessKey.reveal(),
          },
        }),
      }),
    }));

  const change = async (record: TxtRecord, apply: Change, signal: AbortSignal): Promise<void> => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ROUNDS_MAX * REQUEST_MS_MAX)]);
    const { library, client } = await open();
    try {
      const zone = zoneId ?? await findZone({ library, client }, record.zone, limit);
      for (let round = 1;; round++) {
        const { values: former, ttl } = await recordOf(
          { library, client },
          { zone, name: record.name },
          limit,
        );
        const values = apply(former);
        if (values.length === former.length) return;
        const set = (of: readonly string[]) => ({
          Name: record.name,
          Type: "TXT" as const,
          TTL: ttl,
          ResourceRecords: of.map((written) => ({ Value: written })),
        });
        // What is deleted must be there as it is written: nothing that another writer added is lost.
        const changes = [
          ...(former.length > 0 ? [{ Action: "DELETE" as const, ResourceRecordSet: set(former) }] : []),
          ...(values.length > 0 ? [{ Action: "CREATE" as const, ResourceRecordSet: set(values) }] : []),
        ];
        const command = new library.ChangeResourceRecordSetsCommand({
          HostedZoneId: zone,
          ChangeBatch: { Changes: changes },
        });
        try {
          await client.send(command, { abortSignal: limit });
          return;
        } catch (error) {
          const isStale = error instanceof library.InvalidChangeBatch;
          if (!isStale || round >= ROUNDS_MAX) throw error;
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Fault) throw error;
      const refusal = refusalOf(library, error, record.zone);
      if (refusal !== undefined) throw refusal;
      throw new Fault("unavailable", `Route 53 did not change ${record.zone}: ${describeError(error)}`, {
        cause: error,
      });
    }
  };

  return {
    add: (record, signal) =>
      change(
        record,
        (values) =>
          values.some((each) => readTxt(each) === record.value)
            ? values
            : [...values, quoteTxt(record.value)],
        signal,
      ),
    remove: (record, signal) =>
      change(record, (values) => values.filter((each) => readTxt(each) !== record.value), signal),
  };
}

/** The rights that the credentials need, for the text of a refusal. */
const PERMISSIONS =
  "route53:ListHostedZonesByName (unless the zone's id is set), route53:ListResourceRecordSets and " +
  "route53:ChangeResourceRecordSets";
/** Too many calls at once are answered like a refusal. */
const BUSY = new Set([
  "Throttling",
  "ThrottlingException",
  "PriorRequestNotComplete",
  "RequestLimitExceeded",
]);

/** An answer that waiting does not change. */
function refusalOf(library: typeof Library, error: unknown, zone: string): Fault | undefined {
  if (!(error instanceof library.Route53ServiceException) || BUSY.has(error.name)) return undefined;
  const status = error.$metadata.httpStatusCode ?? 0;
  const why = `${error.message} (${error.name})`;
  if (status === 401 || status === 403) {
    return new Fault(
      "failed_precondition",
      `Route 53 refused to change ${zone}: ${why}. The credentials need ${PERMISSIONS}.`,
      { cause: error },
    );
  }
  return status === 404
    ? new Fault("failed_precondition", `Route 53 has no such zone for ${zone}: ${why}`, { cause: error })
    : undefined;
}

interface Opened {
  readonly library: typeof Library;
  readonly client: Route53Client;
}

async function findZone(
  { library, client }: Opened,
  zone: string,
  abortSignal: AbortSignal,
): Promise<string> {
  const command = new library.ListHostedZonesByNameCommand({ DNSName: zone, MaxItems: 10 });
  const { HostedZones: zones = [] } = await client.send(command, { abortSignal });
  const found = zones.find(({ Name: name, Config: config }) =>
    name === `${zone}.` && config?.PrivateZone !== true
  );
  const id = found?.Id?.replace(/^\/hostedzone\//, "");
  if (id === undefined) throw new Fault("failed_precondition", `Route 53 has no public zone ${zone}`);
  return id;
}

async function recordOf(
  { library, client }: Opened,
  { zone, name }: { readonly zone: string; readonly name: string },
  abortSignal: AbortSignal,
): Promise<{ readonly values: readonly string[]; readonly ttl: number }> {
  const command = new library.ListResourceRecordSetsCommand({
    HostedZoneId: zone,
    StartRecordName: name,
    StartRecordType: "TXT",
    MaxItems: 1,
  });
  const { ResourceRecordSets: sets = [] } = await client.send(command, { abortSignal });
  const set = sets.find(({ Name, Type }) => Type === "TXT" && Name?.replace(/\.$/, "") === name);
  const values = (set?.ResourceRecords ?? []).map(({ Value: value = "" }) => value);
  return { values, ttl: set?.TTL ?? TTL_SECONDS };
}
