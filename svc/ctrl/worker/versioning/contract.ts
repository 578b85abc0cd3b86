/** The versions of the change feed, as workflows and operators see them. */
import { iface } from "@restatedev/restate-sdk/fetch";
import { jsonSerde, protoSerde } from "../../../../pkg/durable/mod.ts";
import {
  GetVersionRequestSchema,
  GetVersionResponseSchema,
} from "../../../../proto/gen/hydra/v1/hydra_pb.ts";
import { VERSIONING_SERVICE } from "../../internal/workflows/names.ts";

/** The number of removed changes. */
export interface Compacted {
  readonly deleted: number;
}

/**
 * Reads a region's version and compacts its feed.
 *
 * It hands out no versions: those come from the transaction that writes the state, or readers could see a version
 * before the change that it stands for.
 *
 * One object per region: compactions of a region never overlap, and regions do not wait for each other.
 */
export const VersioningService = iface.object(VERSIONING_SERVICE, {
  GetVersion: iface.shared.serdes({
    input: protoSerde(GetVersionRequestSchema),
    output: protoSerde(GetVersionResponseSchema),
  }),
  Compact: iface.serdes({ input: jsonSerde<void>(), output: jsonSerde<Compacted>() }),
});
