/** The bucket itself: its creation, and the end of old versions of its objects. */
import type { S3Client } from "@aws-sdk/client-s3";
import type { S3Options } from "./client.ts";
import { isKeyProblem, nameOf, s3Fault, statusOf } from "./fault.ts";

/** No object has this key. */
const ABSENT_KEY = "unkey-looks-whether-it-may-read";
const RULE_ID = "unkey-ends-old-versions";
const OLD_DAYS = 1;

/**
 * Finds the bucket, or makes it where there is none and the key may. True if it was made.
 *
 * @throws `failed_precondition` when there is none or the key is refused, `unavailable` when S3 does not answer
 */
export async function findOrCreateBucket(client: S3Client, options: S3Options): Promise<boolean> {
  const { CreateBucketCommand, HeadBucketCommand } = await import("@aws-sdk/client-s3");
  const Bucket = options.bucket;
  try {
    await client.send(new HeadBucketCommand({ Bucket }));
    return false;
  } catch (error) {
    if (statusOf(error) === 403 || statusOf(error) === 400) {
      await mayRead(client, options);
      return false;
    }
    if (statusOf(error) !== 404) throw s3Fault(error, options);
  }
  try {
    await client.send(new CreateBucketCommand({ Bucket }));
    return true;
  } catch (error) {
    // Another process made it meanwhile.
    if (nameOf(error) !== "BucketAlreadyOwnedByYou") throw s3Fault(error, options);
    return false;
  }
}

/** A key may lack the right to look at a bucket and still use its objects; and only this answer names a wrong key. */
async function mayRead(client: S3Client, options: S3Options): Promise<void> {
  const { GetObjectCommand } = await import("@aws-sdk/client-s3");
  try {
    await client.send(new GetObjectCommand({ Bucket: options.bucket, Key: ABSENT_KEY }));
  } catch (error) {
    if (nameOf(error) === "NoSuchKey") return;
    // Without the right to list, S3 answers so for each object that is not there.
    if (statusOf(error) === 403 && !isKeyProblem(error)) return;
    throw s3Fault(error, options);
  }
}

/** The rules for old versions of objects: those of the owner, ours, or none that can be seen or set. */
export type Lifecycle = "kept" | "set" | "refused";

/**
 * Gives a bucket without lifecycle rules one: replaced and deleted versions, and incomplete uploads, end after a day. The
 * platform deletes the objects themselves.
 */
export async function endOldVersions(client: S3Client, { bucket: Bucket }: S3Options): Promise<Lifecycle> {
  const { GetBucketLifecycleConfigurationCommand, PutBucketLifecycleConfigurationCommand } = await import(
    "@aws-sdk/client-s3"
  );
  try {
    await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    return "kept";
  } catch (error) {
    if (nameOf(error) !== "NoSuchLifecycleConfiguration") return "refused";
  }
  const rule = {
    ID: RULE_ID,
    Status: "Enabled",
    Filter: { Prefix: "" },
    NoncurrentVersionExpiration: { NoncurrentDays: OLD_DAYS },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: OLD_DAYS },
    Expiration: { ExpiredObjectDeleteMarker: true },
  } as const;
  try {
    const LifecycleConfiguration = { Rules: [rule] };
    await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration }));
    return "set";
  } catch {
    // Servers without lifecycles, and keys without the right: nothing depends on it.
    return "refused";
  }
}
