import { iptablesVerdict } from "./iptables.ts";
import { nftDrops } from "./nftables.ts";

/** A text per port that a rule of this machine's firewall seems to drop. Needs root, else nothing can be seen. */
export async function firewallNotices(ports: readonly number[]): Promise<readonly string[]> {
  const [v4, v6, nft] = await Promise.all([
    outputOf("iptables-save", ["-t", "filter"]),
    outputOf("ip6tables-save", ["-t", "filter"]),
    outputOf("nft", ["list", "ruleset"]),
  ]);
  return ports.flatMap((port) => {
    const by = [
      iptablesVerdict(v4, port) === "drop" ? "iptables" : "",
      iptablesVerdict(v6, port) === "drop" ? "ip6tables" : "",
      nftDrops(nft, port) ? "nftables" : "",
    ].filter((name) => name !== "");
    if (by.length === 0) return [];
    return [
      `A rule of ${
        by.join(" and ")
      } seems to drop connections to port ${port}. Let them in, for instance with ` +
      `"ufw allow ${port}/tcp", or "iptables -I INPUT -p tcp --dport ${port} -j ACCEPT".`,
    ];
  });
}

/** The output of a program; empty when it is missing, refused or fails. */
async function outputOf(program: string, args: readonly string[]): Promise<string> {
  try {
    const { success, stdout } = await new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout) : "";
  } catch {
    return ""; // it is not installed
  }
}
