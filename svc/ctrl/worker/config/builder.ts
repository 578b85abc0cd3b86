/** The builder of images and their registry: settings of `ctrl worker`. */
import { z } from "zod";
import {
  type ConfigOf,
  field,
  integerSchema,
  listSchema,
  switchField,
  textSchema,
} from "../../../../pkg/config/mod.ts";
import { HOST_DEFAULT } from "../../../../pkg/docker/mod.ts";
import { REGISTRY_ADDRESS_FIELD, REGISTRY_FIELDS, registryProblems } from "../../../../pkg/registry/mod.ts";
import { DEPOT_FIELDS, depotProblems } from "./depot.ts";

export const BUILDER_FIELDS = {
  buildBackend: field({
    flag: "build-backend",
    env: "UNKEY_BUILD_BACKEND",
    placeholder: "<docker|buildkit|depot>",
    help:
      "Builder of images: a Docker Engine, a BuildKit daemon, or machines of Depot; the last two need a registry.",
    schema: z.enum(["docker", "buildkit", "depot"], { error: "must be docker, buildkit or depot" }).default(
      "docker",
    ),
  }),
  dockerHost: field({
    flag: "docker-host",
    env: "DOCKER_HOST",
    placeholder: "<unix:///path|tcp://host:port>",
    help: "Docker Engine that builds images.",
    schema: textSchema(HOST_DEFAULT),
  }),
  buildkitUrl: field({
    flag: "buildkit-url",
    env: "UNKEY_BUILDKIT_URL",
    placeholder: "<tcp://host:port|https://host:port|unix:///path>",
    help:
      "BuildKit daemon that builds images. It must be reachable by this worker only: it is not asked for " +
      "client certificates. Which registries speak plain HTTP is its own setting.",
    schema: textSchema(),
  }),
  ...DEPOT_FIELDS,
  ...REGISTRY_FIELDS,
  ...REGISTRY_ADDRESS_FIELD,
  imagesKept: field({
    flag: "images-kept",
    env: "UNKEY_IMAGES_KEPT",
    placeholder: "<count>",
    help:
      "Without a registry: of how many earlier deployments per environment the Docker Engine keeps the image, " +
      "beside those of what runs and of what was live last. Older ones cannot be started, rolled back to or " +
      "redeployed. In a registry nothing is ever removed: it has a retention of its own.",
    schema: integerSchema(10, 0, 10_000),
  }),
  imageReuseHours: field({
    flag: "image-reuse-hours",
    env: "UNKEY_IMAGE_REUSE_HOURS",
    placeholder: "<hours>",
    help:
      "How long an image is used again for deployments of the same content, Dockerfile and build settings, without a " +
      "build. Base images, and what RUN and ADD download, are as old at most. 0: each deployment is built.",
    schema: integerSchema(24, 0, 8_760),
  }),
  resolveImages: switchField({
    flag: "resolve-images",
    env: "UNKEY_RESOLVE_IMAGES",
    help:
      "Ask registries which bytes a tag means, so that all regions and restarts run the same. Where one does " +
      "not tell, the tag is used.",
    default: true,
  }),
  trustedRegistries: field({
    flag: "trusted-registries",
    env: "UNKEY_TRUSTED_REGISTRIES",
    placeholder: "<host[:port],...>",
    help: "Registries that may be asked at private addresses and without TLS. Others must be public.",
    schema: listSchema([]),
  }),
  imageSources: field({
    flag: "image-sources",
    env: "UNKEY_IMAGE_SOURCES",
    placeholder: "<public|any>",
    help:
      "Registries of images that deployments name. public: images that are deployed by name come from public registries, and those of --trusted-registries. any: " +
      "from all that the regions reach.",
    schema: z.enum(["public", "any"], { error: "must be public or any" }).default("public"),
  }),
};

export type BuilderConfig = ConfigOf<typeof BUILDER_FIELDS>;

const ADDRESS = /^((tcp|https?):\/\/[^/@\s]+\/?|unix:\/\/\/.+)$/;

/** A problem per pair of settings that do not go together; for `loadConfig`. */
export function builderProblems(config: BuilderConfig): readonly string[] {
  const { buildBackend, buildkitUrl, depotApiUrl, registryUrl } = config;
  const problems = [...registryProblems(config)];
  if (buildkitUrl !== undefined && !ADDRESS.test(buildkitUrl)) {
    problems.push(
      "--buildkit-url (UNKEY_BUILDKIT_URL) must look like tcp://buildkitd:1234 or unix:///run/buildkit/buildkitd.sock",
    );
  }
  if (buildBackend === "depot") return [...problems, ...depotProblems(config)];
  if (depotApiUrl !== undefined) {
    problems.push(
      "--depot-api-url (UNKEY_DEPOT_API_URL) is of no use without --build-backend depot (UNKEY_BUILD_BACKEND)",
    );
  }
  if (buildBackend !== "buildkit") return problems;
  const needed = {
    "--buildkit-url (UNKEY_BUILDKIT_URL)": buildkitUrl,
    "--registry-url (UNKEY_REGISTRY_URL)": registryUrl,
  };
  for (const [name, value] of Object.entries(needed)) {
    if (value === undefined) {
      problems.push(`${name} is required with --build-backend buildkit (UNKEY_BUILD_BACKEND)`);
    }
  }
  return problems;
}
