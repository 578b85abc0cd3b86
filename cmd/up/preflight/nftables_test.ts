import assert from "node:assert/strict";
import { nftDrops } from "./nftables.ts";

const CLOSED = `table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		ct state established,related accept
		tcp dport 22 accept
		ip saddr 10.0.0.0/8 tcp dport 443 accept
		tcp dport { 80, 8000-8100 } counter packets 0 bytes 0 accept
	}
}
`;
const FIREWALLD = `table inet firewalld {
	chain filter_INPUT {
		type filter hook input priority filter + 10; policy accept;
		ct state { established, related } accept
		jump filter_INPUT_ZONES
		reject with icmpx admin-prohibited
	}
	chain filter_IN_public_allow {
		tcp dport 80 accept
	}
}
`;
const OPEN = `table inet filter {
	chain input {
		type filter hook input priority filter; policy accept;
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}
`;

Deno.test("nftDrops() tells ports that nothing lets through", () => {
  const cases: readonly (readonly [name: string, text: string, port: number, want: boolean])[] = [
    ["no rules", "", 443, false],
    ["an open machine", OPEN, 443, false],
    ["a port of a set", CLOSED, 80, false],
    ["a port of a range", CLOSED, 8050, false],
    ["a port for one source", CLOSED, 443, true],
    ["firewalld, a port of a zone", FIREWALLD, 80, false],
    ["firewalld, any other port", FIREWALLD, 443, true],
    ["a table of iptables", CLOSED.replace("table inet", "table ip"), 443, false],
    ["an open table beside a closed one", OPEN + CLOSED, 443, true],
    ["a rule that lets everything in", CLOSED.replace("tcp dport 22 accept", "counter accept"), 443, false],
  ];
  for (const [name, text, port, want] of cases) assert.equal(nftDrops(text, port), want, name);
});
