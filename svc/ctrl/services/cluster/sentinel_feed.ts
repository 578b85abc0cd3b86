import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import type { SentinelStateSchema } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { defineFeed, type Feed, feedKind, inPages } from "../../internal/changes/mod.ts";
import { revealToken } from "../../internal/sentinels/mod.ts";
import {
  listDesiredSentinels,
  pageDesiredSentinels,
  pageRecordedSentinels,
  type SentinelsTable,
} from "../../internal/store/mod.ts";

/** The message about one sentinel. */
export type SentinelMessage = NonNullable<MessageInitShape<typeof SentinelStateSchema>["state"]>;

/** The feed of a region's sentinels, and the same message for a single one. */
export interface SentinelFeed {
  readonly feed: Feed<SentinelMessage>;
  /** For clients of the original protocol, as with deployments: with archived sentinels. */
  readonly original: Feed<SentinelMessage>;
  encode(row: SentinelsTable): Promise<SentinelMessage>;
}

const PAGE = 500;

/** The feed over `vault`, which decrypts the credentials. Plaintext exists in messages to the sentinel's own region only. */
export function createSentinelFeed(vault: Vault): SentinelFeed {
  const encode = async (row: SentinelsTable): Promise<SentinelMessage> => {
    if (row.desired_state === "archived") return { case: "delete", value: { k8sName: row.k8s_name } };
    return {
      case: "apply",
      value: {
        k8sName: row.k8s_name,
        workspaceId: row.workspace_id,
        projectId: row.project_id,
        environmentId: row.environment_id,
        sentinelId: row.id,
        image: row.image,
        replicas: row.desired_replicas,
        cpuMillicores: BigInt(row.cpu_millicores),
        memoryMib: BigInt(row.memory_mib),
        token: await revealToken(vault, row),
      },
    };
  };
  const kind = (page: typeof pageDesiredSentinels) =>
    feedKind<SentinelsTable, SentinelMessage>({
      resourceType: "sentinel",
      async load(db, region, ids) {
        return new Map((await listDesiredSentinels(db, region, ids)).map((row) => [row.id, row]));
      },
      async *snapshot(db, region) {
        const pages = inPages((after) => page(db, region, after, PAGE), {
          first: 0,
          limit: PAGE,
          cursorOf: ({ version }) => version,
        });
        for await (const rows of pages) {
          for (const row of rows) yield { resourceId: row.id, version: row.version, row };
        }
      },
      convert: encode,
      // A sentinel is archived before its row can be removed, so the agent has deleted it long ago.
      gone: (resourceId) => ({
        case: "problem",
        value: { resourceId, message: "The sentinel was removed." },
      }),
    });
  return {
    feed: defineFeed("sentinels", [kind(pageDesiredSentinels)]),
    original: defineFeed("sentinels, original protocol", [kind(pageRecordedSentinels)]),
    encode,
  };
}
