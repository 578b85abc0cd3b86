import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { proxyFor } from "./choose.ts";

const HTTP = "http://store.example.com/put";
const HTTPS = "https://store.example.com/put";

function chosen(url: string, env: Readonly<Record<string, string>>) {
  return proxyFor(new URL(url), (name) => env[name]);
}

Deno.test("proxyFor() chooses the variable that fetch chooses", async (t) => {
  const all = { ALL_PROXY: "http://a:1", HTTPS_PROXY: "http://s:2", HTTP_PROXY: "http://h:3" };
  const { ALL_PROXY: _, ...both } = all;
  const cases: readonly [name: string, url: string, env: Record<string, string>, want: string | undefined][] =
    [
      ["nothing is set", HTTPS, {}, undefined],
      ["https", HTTPS, both, "s:2 of HTTPS_PROXY"],
      ["http", HTTP, both, "h:3 of HTTP_PROXY"],
      ["https has no use for HTTP_PROXY", HTTPS, { HTTP_PROXY: "http://h:3" }, undefined],
      ["lower case", HTTPS, { https_proxy: "http://l:4" }, "l:4 of https_proxy"],
      [
        "upper case goes first",
        HTTP,
        { HTTP_PROXY: "http://u:5", http_proxy: "http://l:4" },
        "u:5 of HTTP_PROXY",
      ],
      ["ALL_PROXY goes first", HTTPS, all, "a:1 of ALL_PROXY"],
      [
        "an empty value is none",
        HTTP,
        { ALL_PROXY: "", HTTP_PROXY: "", http_proxy: "http://l:4" },
        "l:4 of http_proxy",
      ],
      ["what is no URL is none", HTTP, { HTTP_PROXY: "http://:::" }, undefined],
      ["a scheme that means nothing is none", HTTP, { HTTP_PROXY: "ftp://h:3" }, undefined],
      ["no scheme means http", HTTP, { HTTP_PROXY: "proxy:3128" }, "proxy:3128 of HTTP_PROXY"],
      ["the port of http", HTTP, { HTTP_PROXY: "http://proxy/" }, "proxy:80 of HTTP_PROXY"],
      ["the port of https", HTTP, { HTTP_PROXY: "https://proxy" }, "proxy:443 of HTTP_PROXY"],
      ["an IPv6 address", HTTP, { HTTP_PROXY: "http://[fd00::1]:3128" }, "[fd00::1]:3128 of HTTP_PROXY"],
    ];
  for (const [name, url, env, want] of cases) {
    await t.step(name, () => {
      const proxy = chosen(url, env);
      assert.equal(proxy && `${proxy.name} of ${proxy.variable}`, want);
    });
  }
});

Deno.test("proxyFor() gives no proxy for hosts of NO_PROXY", async (t) => {
  const cases: readonly [noProxy: string, url: string, direct: boolean][] = [
    ["store.example.com", HTTPS, true],
    ["other, STORE.example.com ", HTTPS, true],
    ["example.com", HTTPS, true],
    [".example.com", HTTPS, true],
    ["*.example.com", HTTPS, true],
    ["ample.com", HTTPS, false],
    ["store.example.com.evil.org", HTTPS, false],
    ["*", HTTPS, true],
    ["a,*", HTTPS, true],
    ["", HTTPS, false],
    [",.,", HTTPS, false],
    ["example.com:443", HTTPS, true],
    ["example.com:443", HTTP, false],
    ["example.com:80", HTTP, true],
    ["example.com:9000", "http://store.example.com:9000/", true],
    ["example.com:9000", "http://store.example.com:9001/", false],
    ["*:9000", "http://store.example.com:9000/", true],
    ["10.1.2.3", "http://10.1.2.3/", true],
    ["10.1.2.3:80", "http://10.1.2.3/", true],
    ["10.0.0.0/8", "http://10.1.2.3/", true],
    ["11.0.0.0/8", "http://10.1.2.3/", false],
    ["10.0.0.0/99", "http://10.1.2.3/", false],
    ["10.0.0.0/", "http://10.1.2.3/", false],
    ["3", "http://10.1.2.3/", false],
    ["fd00::/8", "http://[fd00::1]/", true],
    ["fd00::1", "http://[fd00::1]/", true],
    ["[fd00::1]:80", "http://[fd00::1]/", true],
    ["[fd00::1]:81", "http://[fd00::1]/", false],
  ];
  const proxies = { HTTP_PROXY: "http://proxy:3128", HTTPS_PROXY: "http://proxy:3128" };
  for (const [noProxy, url, direct] of cases) {
    await t.step(`${noProxy} for ${url}`, () => {
      assert.equal(chosen(url, { ...proxies, NO_PROXY: noProxy }) === undefined, direct, "NO_PROXY");
      assert.equal(chosen(url, { ...proxies, no_proxy: noProxy }) === undefined, direct, "no_proxy");
    });
  }
});

Deno.test("proxyFor() gives no proxy for this machine", () => {
  const env = { HTTP_PROXY: "http://proxy:3128", ALL_PROXY: "socks5://proxy:1080" };
  for (const host of ["localhost:7091", "hello.localhost", "127.0.0.1:1", "127.9.9.9", "[::1]:80"]) {
    assert.equal(chosen(`http://${host}/`, env), undefined, host);
  }
});

Deno.test("proxyFor() takes the credentials out of the URL, decoded, and prints them nowhere", () => {
  const cases: readonly [userinfo: string, want: string][] = [
    ["user:p%40ss", "user:p@ss"],
    ["user", "user:"],
    ["user:100%", "user:100%"],
    ["us%C3%A9r:x", "usér:x"],
  ];
  for (const [userinfo, want] of cases) {
    const proxy = chosen(HTTP, { HTTP_PROXY: `http://${userinfo}@proxy:3128` });
    const [scheme, encoded = ""] = proxy?.authorization?.reveal().split(" ") ?? [];
    assert.equal(scheme, "Basic");
    assert.equal(new TextDecoder().decode(Uint8Array.fromBase64(encoded)), want);
    for (const text of [JSON.stringify(proxy), Deno.inspect(proxy)]) {
      assert.doesNotMatch(text, /p@ss|us.?r/, text);
    }
  }
});

Deno.test("proxyFor() refuses proxies that do not take uploads, with the next step", () => {
  for (const value of ["socks5://u:secret@proxy:1080", "socks5h://proxy:1080", "unix:/run/proxy.sock"]) {
    assert.throws(() => chosen(HTTPS, { ALL_PROXY: value }), (error) => {
      assert.ok(isFault(error, "failed_precondition"));
      assert.match(error.publicMessage ?? "", /ALL_PROXY .*HTTPS_PROXY.*store\.example\.com to NO_PROXY/);
      assert.doesNotMatch(error.publicMessage ?? "", /secret/);
      return true;
    });
  }
});
