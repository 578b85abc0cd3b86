import { z } from "zod";
import { type ConfigOf, field, secretField, textSchema } from "../config/mod.ts";
import type { Registry } from "./registry.ts";

const HOST = "[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?";
const ADDRESS = new RegExp(`^${HOST}$`);
const COMPONENT = "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*";
const NAME = new RegExp(`^${HOST}(/${COMPONENT})*$`);
/** Leaves room for what images are called below it. */
const NAME_LENGTH_MAX = 120;

/** The settings of a registry, alike for all commands that use one. */
export const REGISTRY_FIELDS = {
  registryUrl: field({
    flag: "registry-url",
    env: "UNKEY_REGISTRY_URL",
    placeholder: "<host[:port][/path]>",
    help: "Registry for the images of builds. Without it they stay in the Docker Engine that builds them.",
    schema: nameSchema(),
  }),
  registryUsername: field({
    flag: "registry-username",
    env: "UNKEY_REGISTRY_USERNAME",
    placeholder: "<name>",
    help: "User of the registry. Without one it is used anonymously.",
    schema: textSchema(),
  }),
  registryPassword: secretField({
    env: "UNKEY_REGISTRY_PASSWORD",
    help: "Password or token of that user.",
    required: false,
  }),
};

/** Of a process that asks the registry itself, beside the engine that pushes and pulls. */
export const REGISTRY_ADDRESS_FIELD = {
  registryAddress: field({
    flag: "registry-address",
    env: "UNKEY_REGISTRY_ADDRESS",
    placeholder: "<host[:port]>",
    help:
      "Where this worker asks that registry, when it is not the host of --registry-url (UNKEY_REGISTRY_URL): an engine " +
      'pushes to "localhost:5000", which is another machine for a worker in a container.',
    schema: addressSchema(),
  }),
};

export type RegistryConfig =
  & ConfigOf<typeof REGISTRY_FIELDS>
  & Partial<ConfigOf<typeof REGISTRY_ADDRESS_FIELD>>;

/** A problem per pair of settings that do not go together; for `loadConfig`. */
export function registryProblems(config: RegistryConfig): readonly string[] {
  const { registryUrl, registryUsername, registryPassword, registryAddress } = config;
  const problems: string[] = [];
  if (registryUrl === undefined && registryAddress !== undefined) {
    problems.push(
      "--registry-address (UNKEY_REGISTRY_ADDRESS) is of no use without --registry-url (UNKEY_REGISTRY_URL)",
    );
  }
  if ((registryUsername === undefined) !== (registryPassword === undefined)) {
    problems.push(
      "--registry-username (UNKEY_REGISTRY_USERNAME) and UNKEY_REGISTRY_PASSWORD go together: only one is set",
    );
  }
  if (registryUrl === undefined && registryUsername !== undefined) {
    problems.push(
      "--registry-username (UNKEY_REGISTRY_USERNAME) is of no use without --registry-url (UNKEY_REGISTRY_URL)",
    );
  }
  return problems;
}

/** The registry that the settings name, if any. */
export function registryOf(config: RegistryConfig): Registry | undefined {
  const { registryUrl: name, registryUsername: username, registryPassword: password } = config;
  if (name === undefined) return undefined;
  const { registryAddress: address } = config;
  const registry = address === undefined ? { name } : { name, address };
  if (username === undefined || password === undefined) return registry;
  return { ...registry, credentials: { username, password } };
}

function addressSchema(): z.ZodType<string | undefined> {
  return textSchema().refine((address) => address === undefined || ADDRESS.test(address), {
    message: 'must be a host with its port, like "registry:5000", without http:// or https://',
  });
}

function nameSchema(): z.ZodType<string | undefined> {
  return textSchema().transform((raw) => raw?.replace(/(?<!\/)\/+$/, "")).refine(
    (name) => name === undefined || (name.length <= NAME_LENGTH_MAX && NAME.test(name)),
    {
      message:
        'must be as images are named, like "registry.example.com:5000/apps", without http:// or https://',
    },
  );
}
