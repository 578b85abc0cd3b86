/** A domain with what is wrong with it and the records to set. */
import { isFault } from "../../../../pkg/fault/mod.ts";
import {
  decodeIssues,
  type DomainDns,
  type Findings,
  judge,
  judgedDomain,
  lookAtDomain,
  unanswered,
  wantedRecords,
} from "../../internal/domains/mod.ts";
import {
  type CustomDomainsTable,
  type DomainView,
  findHeldHostname,
  listDomainViews,
} from "../../internal/store/mod.ts";
import { domainMissing } from "../../internal/domains/mod.ts";
import type { DomainDeps } from "./deps.ts";
import type { FoundDomain } from "./find.ts";

/** A domain as it is shown. */
export interface ShownDomain extends Pick<Findings, "issues" | "records"> {
  readonly view: DomainView;
}

const LOOK_MS_MAX = 12_000;
/** Findings after which only a TXT record proves anything. */
const NEEDS_TEXT: readonly string[] = ["proof_missing", "proxied"];

/** The domain with what the DNS says about it at this moment. */
export async function showNow(
  deps: DomainDeps,
  { project, row }: FoundDomain,
  signal: AbortSignal | undefined,
): Promise<ShownDomain> {
  const { db, domains } = deps;
  const stored = async (): Promise<DomainView> => {
    const [view] = await listDomainViews(db.kysely, { projectId: project.id, hostname: row.hostname });
    if (view === undefined) throw domainMissing(row.hostname, project.slug);
    return view;
  };
  if (domains === undefined) return showStored(await stored(), []);
  const findings = await inspect(deps, domains, row, signal);
  const view = await stored();
  // What the workflow found about other things than records stays.
  const others = decodeIssues(view.findings).filter(({ code }) => code === "moved" || code === "allowance");
  return { view, issues: [...findings.issues, ...others], records: findings.records };
}

/** The same with what the last check found. `addresses` are those of the edges. */
export function showStored(view: DomainView, addresses: readonly string[]): ShownDomain {
  const issues = decodeIssues(view.findings);
  const needsText = issues.some(({ code }) => NEEDS_TEXT.includes(code));
  const owner = judgedDomain(view, undefined, []);
  return { view, issues, records: wantedRecords(owner, { addresses, needsText }) };
}

async function inspect(
  { db }: DomainDeps,
  domains: DomainDns,
  row: CustomDomainsTable,
  signal: AbortSignal | undefined,
): Promise<Findings> {
  const judged = judgedDomain(
    row,
    await findHeldHostname(db.kysely, row.hostname),
    domains.platform.authorities,
  );
  const limit = AbortSignal.any([
    AbortSignal.timeout(LOOK_MS_MAX),
    ...(signal === undefined ? [] : [signal]),
  ]);
  try {
    return judge(judged, await lookAtDomain(domains, row, limit));
  } catch (error) {
    signal?.throwIfAborted();
    if (isFault(error, "unavailable") || limit.aborted) return unanswered(judged, domains.platform.addresses);
    throw error;
  }
}
