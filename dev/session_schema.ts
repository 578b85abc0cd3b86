/** The schemas of root keys and sessions in printed JSON. */
import type { z } from "zod";
import { flag, text, texts, time } from "./schema_words.ts";

const SESSION_SHAPE = {
  id: text,
  keyId: text,
  keyName: text,
  browser: text,
  createdAt: time,
  lastSeenAt: time,
  expiresAt: time,
};

/** Of the commands about credentials. `printed` and `listed` also take the failure of a command. */
export function credentialOutputs(
  printed: (shape: z.core.$ZodLooseShape) => z.ZodType,
  listed: (name: string, shape: z.core.$ZodLooseShape) => z.ZodType,
): Readonly<Record<string, z.ZodType>> {
  return {
    "keys list": listed("keys", { id: text, name: text, start: text, permissions: texts, createdAt: time }),
    "keys create": printed({ id: text, name: text, permissions: texts, key: text }),
    "keys revoke": printed({ id: text, revoked: flag }),
    "sessions list": listed("sessions", SESSION_SHAPE),
    "sessions revoke": printed({ id: text, revoked: flag }),
    "dashboard": printed({ url: text, expiresAt: time }),
  };
}
