/** Certificates, and what it takes to get them from an authority. */
import type { Migration } from "./migration.ts";
import { createTable, integer, longText, longTextOrNull, text, textOrNull } from "./table.ts";

/** The longest host name of DNS, with `*.` before it. */
const HOSTNAME = 255;
const URL_LENGTH = 512;

export const certificates: Migration = {
  name: "0010_certificates",
  async up(db) {
    await createTable(db, {
      name: "certificates",
      columns: {
        id: text(128),
        workspace_id: text(128),
        hostname: text(HOSTNAME),
        chain: longText(),
        encrypted_private_key: longText(),
        not_before: integer(),
        not_after: integer(),
        renew_at: integer(),
        advice_at: integer(),
        renewal_id: text(255),
        directory_url: text(URL_LENGTH),
        created_at: integer(),
        updated_at: integer(),
      },
      primaryKey: ["id"],
      uniques: [["hostname"]],
      indices: [["renew_at"], ["advice_at"], ["not_after"]],
    });
    await createTable(db, {
      name: "certificate_orders",
      columns: {
        hostname: text(HOSTNAME),
        workspace_id: text(128),
        challenge_type: text(16),
        registered_domain: text(HOSTNAME),
        status: text(16),
        attempt: integer(),
        failures: integer(),
        next_attempt_at: integer(),
        deadline_at: integer(),
        directory_url: textOrNull(URL_LENGTH),
        order_url: textOrNull(URL_LENGTH),
        encrypted_key: longTextOrNull(),
        problem: textOrNull(1_000),
        created_at: integer(),
        updated_at: integer(),
      },
      primaryKey: ["hostname"],
      indices: [["status", "next_attempt_at"], ["workspace_id"]],
    });
    await createTable(db, {
      name: "acme_accounts",
      columns: {
        workspace_id: text(128),
        directory_url: text(URL_LENGTH),
        encrypted_key: longText(),
        account_url: textOrNull(URL_LENGTH),
        created_at: integer(),
      },
      primaryKey: ["workspace_id", "directory_url"],
    });
    await createTable(db, {
      name: "acme_challenges",
      columns: {
        hostname: text(HOSTNAME),
        token: text(255),
        challenge_type: text(16),
        key_authorization: text(512),
        record_value: text(64),
        created_at: integer(),
      },
      primaryKey: ["hostname", "token"],
    });
    await createTable(db, {
      name: "acme_directories",
      columns: { directory_url: text(URL_LENGTH), created_at: integer() },
      primaryKey: ["directory_url"],
    });
    await createTable(db, {
      name: "acme_orders",
      columns: {
        hostname: text(HOSTNAME),
        attempt: integer(),
        directory_url: text(URL_LENGTH),
        workspace_id: text(128),
        registered_domain: text(HOSTNAME),
        outcome: text(16),
        counted: integer(),
        created_at: integer(),
      },
      // One authority per attempt takes an order; the others said no, which costs nothing.
      primaryKey: ["hostname", "attempt"],
      indices: [["created_at"], ["registered_domain", "created_at"], ["workspace_id", "created_at"]],
    });
  },
};
