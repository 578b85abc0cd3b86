import type { Schema } from "./mod.ts";

/** One row of each table of custom domains. */
export const DOMAIN_ROWS: Pick<Schema, "custom_domains" | "held_hostnames"> = {
  custom_domains: {
    id: "dom",
    workspace_id: "w",
    project_id: "p",
    environment_id: "e",
    hostname: "shop.example.com",
    status: "verified",
    target: "k3j9.cname.unkey.test",
    proof_text: "unkey-verify=k3j9",
    redirect_to: "www.example.com",
    proof: "cname",
    reaches: 1,
    findings: "[]",
    checks: 3,
    checked_at: 4,
    next_check_at: Number.MAX_SAFE_INTEGER,
    verify_from: 5,
    verified_at: 6,
    lost_at: null,
    created_at: 1,
    updated_at: 2,
  },
  held_hostnames: { hostname: "shop.example.com", workspace_id: "w", domain_id: null, updated_at: 2 },
};
