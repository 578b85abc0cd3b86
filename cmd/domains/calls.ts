/** The parts that the commands about domains share. */
import type { Process } from "../../pkg/cli/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { type CustomDomain, CustomDomainService } from "../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { JSON_FIELD } from "../shared/output.ts";
import { PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";
import { type DomainJson, domainJson } from "./view.ts";

export const DOMAINS_FIELDS = { ...CONNECT_FIELDS, project: PROJECT_FIELD, json: JSON_FIELD };

export const DOMAIN_WORD = {
  name: "domain",
  help: "A host name of yours, e.g. shop.example.com.",
  required: true,
} as const;

type DomainClient = ReturnType<typeof createRpcClient<typeof CustomDomainService>>;

/** The project that is meant, and calls about its domains. */
export interface DomainCalls {
  readonly project: string;
  call<T>(work: (client: DomainClient, projectId: string) => Promise<T>): Promise<T>;
}

export async function domainCalls(
  config: Parameters<typeof connect>[0] & { readonly project: string | undefined },
  process: Process,
): Promise<DomainCalls> {
  const connection = await connect(config, process);
  const client = createRpcClient(CustomDomainService, connection);
  const { id: projectId, slug: project } = await calling(
    connection,
    () => projectOf(connection, config.project, process),
  );
  return { project, call: (work) => calling(connection, () => work(client, projectId)) };
}

/** The domain of an answer. */
export function shownDomain(domain: CustomDomain | undefined): DomainJson {
  if (domain !== undefined) return domainJson(domain);
  throw publicFault("internal", "The control plane answered without a domain. Ask its operator.");
}
