/** The Linux capabilities of apps: the same in all runtimes, so that an image that runs in one runs in the other. */

/** Not needed by apps: forging packets, devices and audit records, and changing capabilities and the root folder. */
const DENIED = ["NET_RAW", "MKNOD", "AUDIT_WRITE", "SETFCAP", "SETPCAP", "SYS_CHROOT"];

/** Every capability that engines give a container by default. */
const ENGINE_DEFAULT = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "NET_BIND_SERVICE",
  "SETGID",
  "SETUID",
  ...DENIED,
];

/** The default of `--capabilities`: those of an image that starts as root, owns its files, and drops to a user. */
export const CAPABILITIES_DEFAULT: readonly string[] = ENGINE_DEFAULT.filter((each) =>
  !DENIED.includes(each)
);

/** The changes to an engine's default after which an app has exactly `capabilities`. */
export function capabilityChanges(
  capabilities: readonly string[],
): { readonly dropped: readonly string[]; readonly added: readonly string[] } {
  return {
    dropped: ENGINE_DEFAULT.filter((each) => !capabilities.includes(each)),
    added: capabilities.filter((each) => !ENGINE_DEFAULT.includes(each)),
  };
}
