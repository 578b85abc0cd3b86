/** The dashboard for Grafana, and what its panels ask. */
import { z } from "zod";

const FILE = new URL("../../dev/observe/dashboard.json", import.meta.url);

const Dashboard = z.object({
  templating: z.object({ list: z.array(z.object({ name: z.string() })) }),
  panels: z.array(z.object({
    title: z.string(),
    type: z.enum(["row", "timeseries"]),
    targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).default([]),
  })),
});

export type Dashboard = z.infer<typeof Dashboard>;

export async function readDashboard(): Promise<Dashboard> {
  return Dashboard.parse(JSON.parse(await Deno.readTextFile(FILE)));
}

/** The expressions of all panels. */
export function expressionsOf({ panels }: Dashboard): readonly string[] {
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
}
