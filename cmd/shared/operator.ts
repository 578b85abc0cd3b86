/** The connection of an operator's commands to the control plane: its URL and the service token. */
import { type ConfigOf, secretField } from "../../pkg/config/mod.ts";
import {
  type CallingProcess,
  checkedUrl,
  CONNECT_FIELDS,
  type Connection,
  LOCAL_API_URL,
  waysTo,
} from "./connect.ts";

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
  caFile: CONNECT_FIELDS.caFile,
  authToken: secretField({ ...SERVICE_TOKEN, required: true }),
};

/** For commands that an operator may call, too. */
export const SERVICE_TOKEN_FIELD = secretField({ ...SERVICE_TOKEN, required: false });

/** The connection that settings give. A stored login plays no part: it is a developer's. */
export async function connectAsOperator(
  { apiBaseUrl, authToken, caFile }: ConfigOf<typeof OPERATOR_FIELDS>,
  process: CallingProcess,
): Promise<Connection> {
  const baseUrl = checkedUrl(apiBaseUrl ?? LOCAL_API_URL);
  return { baseUrl, token: authToken, as: "operator", ...await waysTo(baseUrl, caFile, process) };
}
