/**
 * The files of a release, and the proof that they are the publisher's: `SHA256SUMS` lists every file, and `SHA256SUMS.sig` is
 * its Ed25519 signature (RFC 8032). The layout is that of GitHub's releases, which any file server can have:
 * `<url>/latest/download/<file>` and `<url>/download/v<version>/<file>`.
 *
 * ```ts
 * const release = openRelease({ sums, signature, publicKey });
 * const { name, sha256 } = release.fileFor({ os: "linux", arch: "x86_64" });
 * ```
 *
 * @module
 */
export { type BuildInfo, parseBuildInfo } from "./build_info.ts";
export { type KeyPair, newKeyPair, sign, verifies } from "./signature.ts";
export { compareVersions, fileUrl, openRelease, type Release, type ReleaseFile, SUMS } from "./sums.ts";
export { archiveName, type Target, targetNamed, TARGETS } from "./targets.ts";
