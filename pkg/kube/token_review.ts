import type { V1TokenReview } from "@kubernetes/client-node";
import { z } from "zod";
import { callJson, type Cluster } from "./cluster.ts";
import type { FieldsOf } from "./model.ts";

/** The pod that a token was made for. */
export interface TokenPod {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly name: string;
  readonly uid: string;
}

const Review = z.object(
  {
    status: z.object({
      authenticated: z.boolean().default(false),
      audiences: z.array(z.string()).default([]),
      user: z.object({
        username: z.string().default(""),
        extra: z.record(z.string(), z.array(z.string())).default({}),
      }).default({ username: "", extra: {} }),
    }),
  } satisfies FieldsOf<V1TokenReview>,
);

/**
 * Asks Kubernetes whose token it is. `undefined`: it is not valid, was made for another audience, or is not that of a
 * pod.
 */
export async function reviewPodToken(
  cluster: Cluster,
  token: string,
  options: { readonly audience: string; readonly signal: AbortSignal },
): Promise<TokenPod | undefined> {
  const { status } = await callJson(cluster, {
    method: "POST",
    path: "/apis/authentication.k8s.io/v1/tokenreviews",
    body: {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token, audiences: [options.audience] },
    },
    signal: options.signal,
  }, Review);
  if (!status.authenticated || !status.audiences.includes(options.audience)) return undefined;
  const [kind, accounts, namespace, serviceAccount, ...more] = status.user.username.split(":");
  const name = only(status.user.extra["authentication.kubernetes.io/pod-name"]);
  const uid = only(status.user.extra["authentication.kubernetes.io/pod-uid"]);
  if (kind !== "system" || accounts !== "serviceaccount" || more.length > 0) return undefined;
  if (!namespace || !serviceAccount || name === undefined || uid === undefined) return undefined;
  return { namespace, serviceAccount, name, uid };
}

function only(values: readonly string[] | undefined): string | undefined {
  return values?.length === 1 ? values[0] : undefined;
}
