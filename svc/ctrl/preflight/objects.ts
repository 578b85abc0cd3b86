import { Buffer } from "node:buffer";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { sha256Hex } from "../../../pkg/hash/mod.ts";
import { failed, type Finding, folderProbe, ok, type Probe, warning } from "../../../pkg/preflight/mod.ts";
import { newDnsName } from "../../../pkg/uid/mod.ts";
import type { ApiConfig } from "../api/config.ts";
import { type Objects, openObjects as openApiObjects } from "../api/objects.ts";
import type { WorkerConfig } from "../worker/config/config.ts";
import { openObjects as openWorkerObjects } from "../worker/objects.ts";

const SUBJECT = "object store";
const FOLDER_SETTING = "--build-files-dir (UNKEY_BUILD_FILES_DIR)";
const URL_SETTING = "--build-files-url (UNKEY_BUILD_FILES_URL)";
const ADVICE = "Check --build-s3-url (UNKEY_BUILD_S3_URL), the region, and that the server runs.";
const EXPIRES_MS = 60_000;
const MEBIBYTE = 1024 * 1024;
const CONTENT = new TextEncoder().encode("unkey preflight\n");

/** Puts an object into the store of the api as a client would, reads it as a builder would, and removes it. */
export function storeProbe(config: ApiConfig, clock: Clock): Probe {
  if (config.buildFilesDir !== undefined) {
    const bytesMin = config.uploadDiskFreeMib * MEBIBYTE;
    return folderProbe({ subject: SUBJECT, folder: config.buildFilesDir, bytesMin, setting: FOLDER_SETTING });
  }
  return {
    subject: SUBJECT,
    advice: ADVICE,
    async ask(signal) {
      // Clients may reach the store by a name that leads nowhere from here.
      const own = { port: () => config.httpPort, fetch };
      const objects = openApiObjects({ ...config, buildS3ExternalUrl: undefined }, clock, own);
      try {
        return await tryObject(objects.store, config.buildS3Bucket ?? "", signal);
      } finally {
        objects.close();
      }
    },
  };
}

async function tryObject(store: Objects["store"], bucket: string, signal: AbortSignal): Promise<Finding> {
  const key = `preflight/${newDnsName(16)}`;
  const put = await store.presignPut(key, {
    sizeBytes: CONTENT.length,
    checksumSha256: Buffer.from(sha256Hex(CONTENT), "hex").toString("base64"),
    expiresInMs: EXPIRES_MS,
  });
  const { fetch: request = fetch } = store;
  const written = await request(put.url, { method: "PUT", headers: put.headers, body: CONTENT, signal });
  const answer = await written.text();
  if (!written.ok) return refusal(written.status, answer, bucket);
  try {
    const read = await request(await store.presignGet(key, { expiresInMs: EXPIRES_MS }), { signal });
    const bytes = (await read.arrayBuffer()).byteLength;
    if (read.ok && bytes === CONTENT.length) {
      return ok(`Bucket "${bucket}" takes objects, gives them back and deletes them.`);
    }
    const advice = "Give the access key s3:GetObject.";
    return failed(`Bucket "${bucket}" took an object and answered ${read.status} for it.`, advice);
  } finally {
    await store.delete(key);
  }
}

function refusal(status: number, answer: string, bucket: string): Finding {
  const code = /<Code>(\w+)<\/Code>/.exec(answer)?.[1] ?? String(status);
  if (code === "NoSuchBucket") {
    const advice = "The api makes it at its start, if its key may (s3:CreateBucket); else create it.";
    return warning(`Bucket "${bucket}" does not exist.`, advice);
  }
  const advice =
    "Check the access key, its secret and the region, and give the key s3:PutObject, s3:GetObject and " +
    "s3:DeleteObject for the bucket.";
  return failed(`Bucket "${bucket}" refused an object: ${code}.`, advice);
}

/** Looks for an object that is not there, as the worker reads only. */
export function reachProbe(config: WorkerConfig, clock: Clock): Probe {
  if (config.buildFilesDir !== undefined) return filesUrlProbe(config.buildFilesUrl ?? "");
  return {
    subject: SUBJECT,
    advice: ADVICE,
    async ask() {
      const objects = openWorkerObjects(config, clock, fetch);
      try {
        await objects.store.head(`preflight/${newDnsName(16)}`);
        return ok(`Bucket "${config.buildS3Bucket}" answers.`);
      } finally {
        objects.close();
      }
    },
  };
}

/** The api may start after the worker, hence a warning. */
function filesUrlProbe(url: string): Probe {
  const advice = `Start the api, or correct ${URL_SETTING}: builds need the files that it serves there.`;
  return {
    subject: SUBJECT,
    advice,
    async ask(signal) {
      try {
        const answer = await fetch(`${url}/health/live`, { signal });
        await answer.body?.cancel();
        return ok(`The api at ${url} answers.`);
      } catch {
        signal.throwIfAborted();
        return warning(`The api at ${url} does not answer.`, advice);
      }
    },
  };
}
