import type { Edge } from "./edge.ts";

/** The numbers of an edge in Prometheus' text format. */
export function renderMetrics(edge: Edge, version: number): string {
  const lines = [
    "# HELP unkey_frontline_responses_total Responses by status; 499 are clients that went away.",
    "# TYPE unkey_frontline_responses_total counter",
  ];
  for (const [status, count] of [...edge.responses].toSorted(([a], [b]) => a - b)) {
    lines.push(`unkey_frontline_responses_total{status="${status}"} ${count}`);
  }
  const gauges: readonly (readonly [name: string, help: string, value: number])[] = [
    ["unkey_frontline_connections", "Client connections.", edge.proxy.connections],
    ["unkey_frontline_routes", "Host names with a route.", edge.table.size],
    ["unkey_frontline_routes_version", "Version up to which the routes are complete.", version],
  ];
  for (const [name, help, value] of gauges) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`);
  }
  return `${lines.join("\n")}\n`;
}
