import { z } from "zod";
import { field, listField, switchField } from "../../pkg/config/mod.ts";
import { parseArguments, parseSecrets, parseVariables, PLATFORM, TARGET } from "../shared/build_specs.ts";

/** Settings of the build, as `docker build` has them. */
export const BUILD_FIELDS = {
  buildArguments: listField({
    flag: "build-arg",
    env: "UNKEY_BUILD_ARGS",
    file: "build.args",
    placeholder: "<name=value>",
    help: "Build argument; without a value, the variable of this name has it. Repeatable.",
    parse: parseArguments,
  }),
  buildSecrets: listField({
    flag: "secret",
    env: "UNKEY_BUILD_SECRETS",
    file: "build.secrets",
    placeholder: "<id=name,...>",
    help: "Secret for RUN --mount=type=secret, from a variable (env=name) or a file (src=path). Repeatable.",
    parse: parseSecrets,
  }),
  buildVariables: listField({
    flag: "build-variable",
    env: "UNKEY_BUILD_VARIABLES",
    file: "build.variables",
    placeholder: "<name>",
    help: "Variable of the environment that is a build argument, too. Repeatable.",
    parse: parseVariables,
  }),
  target: field({
    flag: "target",
    env: "UNKEY_TARGET",
    file: "build.target",
    placeholder: "<stage>",
    help: "Stage of the Dockerfile to build. Default: the last one.",
    schema: matching(TARGET, "must be the name of a stage"),
  }),
  platform: field({
    flag: "platform",
    env: "UNKEY_PLATFORM",
    file: "build.platform",
    placeholder: "<os/arch>",
    help: "Platform to build for. Default: the builder's own.",
    schema: matching(PLATFORM, 'must be like "linux/amd64" or "linux/arm/v7"'),
  }),
  noCache: switchField({
    flag: "no-cache",
    env: "UNKEY_NO_CACHE",
    file: "build.noCache",
    help: "Build every step again, also when an image of the same content is there.",
  }),
  pull: switchField({
    flag: "pull",
    env: "UNKEY_PULL",
    file: "build.pull",
    help: "Build, and look for newer base images, also when the builder has them.",
  }),
};

function matching(pattern: RegExp, message: string): z.ZodType<string> {
  return z.string().default("").refine((text) => text === "" || pattern.test(text), { message });
}
