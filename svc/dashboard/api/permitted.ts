import { Code, ConnectError } from "@connectrpc/connect";

/** `undefined` for a key that may not see it. */
export async function permitted<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (ConnectError.from(error).code === Code.PermissionDenied) return undefined;
    throw error;
  }
}
