import { Buffer } from "node:buffer";
import { type ReleaseFile, sign } from "../../pkg/release/mod.ts";
import { shortHash } from "../../pkg/hash/mod.ts";
import type { ReleaseFacts } from "./facts.ts";

const TYPE = "application/vnd.in-toto+json";

export interface ProvenanceOptions {
  readonly files: readonly ReleaseFile[];
  readonly facts: ReleaseFacts;
  /** Of `deno.lock`. */
  readonly lockSha256: string;
  readonly repository: string;
  readonly privateKey: string;
  readonly publicKey: string;
}

/**
 * A signed statement of the commit and tools that the files were made from: in-toto Statement v1 with SLSA's provenance v1
 * (https://slsa.dev/spec/v1.0/provenance) in a DSSE envelope (https://github.com/secure-systems-lab/dsse).
 */
export function provenance(options: ProvenanceOptions): string {
  const { files, facts, lockSha256, repository, privateKey, publicKey } = options;
  const statement = JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    subject: files.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: `${repository}/deno-task-release@v1`,
        externalParameters: { version: facts.version },
        resolvedDependencies: [
          { uri: `git+${repository}`, digest: { gitCommit: facts.commit } },
          { uri: "deno.lock", digest: { sha256: lockSha256 } },
        ],
      },
      runDetails: {
        builder: { id: `${repository}/deno-task-release`, version: { deno: Deno.version.deno } },
      },
    },
  });
  const envelope = {
    payloadType: TYPE,
    payload: Buffer.from(statement).toString("base64"),
    signatures: [{ keyid: shortHash(publicKey, 16), sig: sign(signedBytes(statement), privateKey) }],
  };
  return `${JSON.stringify(envelope)}\n`;
}

/** The pre-authentication encoding of DSSE. */
export function signedBytes(payload: string): string {
  return `DSSEv1 ${TYPE.length} ${TYPE} ${new TextEncoder().encode(payload).length} ${payload}`;
}
