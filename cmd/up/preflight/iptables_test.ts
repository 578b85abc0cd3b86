import assert from "node:assert/strict";
import { iptablesVerdict } from "./iptables.ts";

const UFW = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:ufw-before-input - [0:0]
:ufw-not-local - [0:0]
:ufw-user-input - [0:0]
-A INPUT -j ufw-before-input
-A INPUT -j ufw-user-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
-A ufw-before-input -p icmp -m icmp --icmp-type 3 -j ACCEPT
-A ufw-before-input -p udp -m udp --sport 67 --dport 68 -j ACCEPT
-A ufw-before-input -j ufw-not-local
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
-A ufw-not-local -j DROP
-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT
-A ufw-user-input -p tcp -m multiport --dports 80,8000:8100 -m comment --comment "apps -j DROP" -j ACCEPT
COMMIT
`;

const rules = (policy: string, ...lines: readonly string[]): string =>
  [`:INPUT ${policy} [0:0]`, ...lines.map((line) => `-A INPUT ${line}`)].join("\n");

Deno.test("iptablesVerdict() follows the rules to a new connection of a stranger", async (t) => {
  const cases: readonly (readonly [name: string, text: string, port: number, want: string | undefined])[] = [
    ["no rules", "", 443, undefined],
    ["an open machine", rules("ACCEPT"), 443, "accept"],
    ["a closed machine", rules("DROP"), 443, "drop"],
    ["ufw, a port that is let in", UFW, 80, "accept"],
    ["ufw, a port of a range", UFW, 8050, "accept"],
    ["ufw, a port that is not", UFW, 443, "drop"],
    ["a rule for the loopback", rules("DROP", "-i lo -j ACCEPT"), 443, "drop"],
    ["a rule for answers", rules("DROP", "-m state --state ESTABLISHED -j ACCEPT"), 443, "drop"],
    [
      "a rule for new ones",
      rules("DROP", "-p tcp -m state --state NEW -m tcp --dport 443 -j ACCEPT"),
      443,
      "accept",
    ],
    ["a rule for one source", rules("DROP", "-s 10.0.0.0/8 -p tcp --dport 443 -j ACCEPT"), 443, "drop"],
    ["a ban of one source", rules("ACCEPT", "-s 192.0.2.1/32 -j DROP"), 443, "accept"],
    ["a ban of all but one", rules("ACCEPT", "! -s 192.0.2.1/32 -j DROP"), 443, "drop"],
    ["a ban of what is not the loopback", rules("ACCEPT", "! -i lo -j DROP"), 443, "drop"],
    ["a ban of some packets", rules("ACCEPT", "-p tcp ! --syn -j DROP"), 443, "accept"],
    ["a rejected port", rules("ACCEPT", "-p tcp --dport 443 -j REJECT --reject-with tcp-reset"), 443, "drop"],
    ["another protocol", rules("DROP", "-p udp --dport 443 -j ACCEPT"), 443, "drop"],
    ["a limit", rules("DROP", "-p tcp --dport 443 -m limit --limit 5/sec -j ACCEPT"), 443, "drop"],
    ["a chain that calls itself", `${rules("DROP", "-j LOOP")}\n-A LOOP -j LOOP`, 443, "drop"],
  ];
  for (const [name, text, port, want] of cases) {
    await t.step(name, () => assert.equal(iptablesVerdict(text, port), want));
  }
});
