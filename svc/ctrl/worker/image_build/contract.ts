/** The build service as its callers see it. */
import { iface } from "@restatedev/restate-sdk/fetch";
import { protoSerde } from "../../../../pkg/durable/mod.ts";
import {
  BuildDockerImageRequestSchema,
  BuildDockerImageResponseSchema,
} from "../../../../proto/gen/hydra/v1/hydra_pb.ts";
import { BUILD_SERVICE } from "../../internal/workflows/names.ts";

/** Labels of built images. */
export const IMAGE_LABEL = { project: "dev.unkey.project", deployment: "dev.unkey.deployment" } as const;

/**
 * Builds images. It has no key: builds never wait for each other here; how many may run is decided before a build is
 * asked for. A failure that the user has to mend is part of the answer.
 */
export const BuildService = iface.service(BUILD_SERVICE, {
  BuildDockerImage: iface.serdes({
    input: protoSerde(BuildDockerImageRequestSchema),
    output: protoSerde(BuildDockerImageResponseSchema),
  }),
});
