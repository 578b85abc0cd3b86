/** A system and architecture that a release has an executable for. */
export interface Target {
  /** As in the names of a release's files, e.g. `linux-x64`. */
  readonly name: string;
  /** The name that `deno compile --target` takes. */
  readonly triple: string;
  /** `Deno.build.os` and `Deno.build.arch`. */
  readonly os: string;
  readonly arch: string;
  /** Debian's name of the architecture, for systems that have packages. */
  readonly debian?: string;
}

/** All systems that Deno compiles for, apart from Windows on ARM, which runs the x64 executable. */
export const TARGETS: readonly Target[] = [
  { name: "linux-x64", triple: "x86_64-unknown-linux-gnu", os: "linux", arch: "x86_64", debian: "amd64" },
  { name: "linux-arm64", triple: "aarch64-unknown-linux-gnu", os: "linux", arch: "aarch64", debian: "arm64" },
  { name: "darwin-x64", triple: "x86_64-apple-darwin", os: "darwin", arch: "x86_64" },
  { name: "darwin-arm64", triple: "aarch64-apple-darwin", os: "darwin", arch: "aarch64" },
  { name: "windows-x64", triple: "x86_64-pc-windows-msvc", os: "windows", arch: "x86_64" },
];

/** By name or triple. */
export function targetNamed(name: string): Target | undefined {
  return TARGETS.find((target) => target.name === name || target.triple === name);
}

/** The file of a release with the executable, the license and the completions. */
export function archiveName(version: string, { name }: Target): string {
  return `unkey-${version}-${name}.tar.gz`;
}
