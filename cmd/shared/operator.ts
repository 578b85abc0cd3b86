/** The connection of an operator's commands to the control plane: its URL and the service token. */
import { type ConfigOf, secretField } from "../../pkg/config/mod.ts";
import { checkedUrl, CONNECT_FIELDS, type Connection, LOCAL_API_URL } from "./connect.ts";

const SERVICE_TOKEN = {
  env: "UNKEY_AUTH_TOKEN",
  help: "The service token, as the api processes have it.",
} as const;

/** Settings of every command that only an operator may call. */
export const OPERATOR_FIELDS = {
  apiBaseUrl: {
    ...CONNECT_FIELDS.apiBaseUrl,
    help: `URL of the control plane, ${LOCAL_API_URL} by default.`,
  },
  authToken: secretField({ ...SERVICE_TOKEN, required: true }),
};

/** For commands that an operator may call, too. */
export const SERVICE_TOKEN_FIELD = secretField({ ...SERVICE_TOKEN, required: false });

/** The connection that settings give. A stored login plays no part: it is a developer's. */
export function connectAsOperator(
  { apiBaseUrl, authToken }: ConfigOf<typeof OPERATOR_FIELDS>,
): Connection {
  return { baseUrl: checkedUrl(apiBaseUrl ?? LOCAL_API_URL), token: authToken, as: "operator" };
}
