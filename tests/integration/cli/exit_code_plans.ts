/** The calls of the commands about what an environment shall have. */
import { developer, type Row } from "./exit_code_rows.ts";

const FILE = JSON.stringify({ project: "shop", environment: "production", port: 3000 });

/** Each call in a folder with a file. */
function withFile(row: Row): Row {
  const entries = Object.entries(row).map(([code, call]) => [
    code,
    {
      prepare: (world: Parameters<NonNullable<Row[number]["prepare"]>>[0]) => world.write("unkey.json", FILE),
      ...call,
    },
  ]);
  return Object.fromEntries(entries);
}

export const PLANS: Readonly<Record<string, Row>> = {
  "plan": withFile(developer(["plan"], {
    1: { args: ["plan", "--env", "nosuch"] },
    3: { args: ["plan", "--exit-code"] },
  })),
  "apply": withFile(developer(["apply", "--yes"], { 1: { args: ["apply", "--yes", "--env", "nosuch"] } })),
};
