import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { Secret } from "../secret/mod.ts";
import { openRoute53 } from "./mod.ts";
import { serve } from "./testing_server.ts";

const never = new AbortController().signal;
const record = { zone: "example.com", name: "_acme-challenge.example.com", value: "v-1" };
const XMLNS = 'xmlns="https://route53.amazonaws.com/doc/2013-04-01/"';
const credentials = { accessKeyId: new Secret("AKIA1"), secretAccessKey: new Secret("secret") };

/** Written as only its own writer knows it: a quote as a number, and two texts for one value. */
const OF_ANOTHER = '"of \\042another\\042 " "writer"';

/** The part of the API that is used, as AWS documents it; `raced` is added before the first change is applied. */
function route53(raced?: string) {
  let values = [OF_ANOTHER];
  let rival = raced;
  const xml = (text: string, status = 200) =>
    new Response(`<?xml version="1.0"?>${text}`, { status, headers: { "content-type": "text/xml" } });
  const recordXml = () =>
    values.length === 0
      ? ""
      : `<ResourceRecordSet><Name>${record.name}.</Name><Type>TXT</Type><TTL>60</TTL><ResourceRecords>${
        values.map((value) => `<ResourceRecord><Value>${value}</Value></ResourceRecord>`).join("")
      }</ResourceRecords></ResourceRecordSet>`;
  const server = serve(({ method, path, body }) => {
    if (path.includes("/hostedzonesbyname")) {
      const zone =
        "<HostedZone><Id>/hostedzone/Z1</Id><Name>example.com.</Name><CallerReference>c</CallerReference></HostedZone>";
      return xml(
        `<ListHostedZonesByNameResponse ${XMLNS}><HostedZones>${zone}</HostedZones><IsTruncated>false</IsTruncated><MaxItems>10</MaxItems></ListHostedZonesByNameResponse>`,
      );
    }
    if (method === "GET") {
      return xml(
        `<ListResourceRecordSetsResponse ${XMLNS}><ResourceRecordSets>${recordXml()}</ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>1</MaxItems></ListResourceRecordSetsResponse>`,
      );
    }
    if (rival !== undefined) values.push(rival);
    rival = undefined;
    const part = (action: string): string[] => {
      const change = body.split("<Change>").find((each) => each.includes(`<Action>${action}</Action>`)) ?? "";
      return [...change.matchAll(/<Value>([^<]*)<\/Value>/g)].map(([, value = ""]) =>
        value.replaceAll("&quot;", '"')
      );
    };
    if (part("DELETE").join() !== values.join()) {
      const message =
        "Tried to delete resource record set, but the values provided do not match the current values";
      return xml(
        `<ErrorResponse ${XMLNS}><Error><Type>Sender</Type><Code>InvalidChangeBatch</Code><Message>[${message}]</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
        400,
      );
    }
    values = part("CREATE");
    return xml(
      `<ChangeResourceRecordSetsResponse ${XMLNS}><ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo></ChangeResourceRecordSetsResponse>`,
    );
  });
  return { server, values: () => values };
}

Deno.test("Route 53 gets a value beside those that are there, also when another writer comes between", async () => {
  const { server, values } = route53('"of a rival"');
  await using _ = server;
  const provider = openRoute53({ credentials, url: server.url });
  await provider.add(record, never);
  await provider.add(record, never);
  assert.deepEqual(values(), [OF_ANOTHER, '"of a rival"', '"v-1"']);
  await provider.remove(record, never);
  await provider.remove(record, never);
  assert.deepEqual(values(), [OF_ANOTHER, '"of a rival"']);
  await assert.rejects(
    provider.add({ ...record, zone: "other.test" }, never),
    (error) => isFault(error, "failed_precondition"),
  );
  assert.ok(server.seen.every((each) => each.includes("/2013-04-01/")));
});

Deno.test("a refusal of Route 53 is final, and names the permissions that are needed", async (t) => {
  const cases: readonly [status: number, code: string, text: RegExp][] = [
    [
      403,
      "AccessDenied",
      /not authorized \(AccessDenied\)\. The credentials need route53:ListHostedZones.*Change/,
    ],
    [403, "InvalidClientTokenId", /The credentials need route53:/],
    [404, "NoSuchHostedZone", /has no such zone for example\.com/],
  ];
  for (const [status, code, text] of cases) {
    await t.step(code, async () => {
      const body =
        `<?xml version="1.0"?><ErrorResponse ${XMLNS}><Error><Type>Sender</Type><Code>${code}</Code><Message>not authorized</Message></Error><RequestId>r</RequestId></ErrorResponse>`;
      await using server = serve(() =>
        new Response(body, { status, headers: { "content-type": "text/xml" } })
      );
      const provider = openRoute53({ credentials, url: server.url, zoneId: "Z1" });
      await assert.rejects(provider.add(record, never), (error) => {
        assert.ok(isFault(error, "failed_precondition"), String(error));
        assert.match(error.message, text);
        return true;
      });
    });
  }
});
