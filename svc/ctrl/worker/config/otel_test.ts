import assert from "node:assert/strict";
import { loadConfig } from "../../../../pkg/config/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { OTEL_FIELDS, type OtelConfig, otelProblems, tracesUrl } from "./otel.ts";

function load(env: Readonly<Record<string, string>>): OtelConfig {
  const readFile = (): never => assert.fail("no file is read");
  return loadConfig(OTEL_FIELDS, { flags: new Map(), env: (name) => env[name], readFile }, [otelProblems]);
}

Deno.test("without an endpoint no traces are sent, and all are with one", () => {
  const config = load({});
  assert.equal(tracesUrl(config), undefined);
  assert.deepEqual([config.tracesSampler, config.otlpProtocol, config.otelServiceName], [
    "parentbased_always_on",
    "http/protobuf",
    "unkey",
  ]);
});

Deno.test("the URL of traces is the endpoint's with its path, or that of the signal as it is", () => {
  const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
  assert.equal(tracesUrl(load({ [endpoint]: "http://c:4318/" })), "http://c:4318/v1/traces");
  assert.equal(tracesUrl(load({ [endpoint]: "https://c/otlp" })), "https://c/otlp/v1/traces");
  const both = { [endpoint]: "http://c:4318", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://t:4318/in" };
  assert.equal(tracesUrl(load(both)), "http://t:4318/in");
});

Deno.test("settings that the platform cannot follow are named, and no header is shown", () => {
  const env = {
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/xml",
    OTEL_EXPORTER_OTLP_TIMEOUT: "0",
    OTEL_TRACES_SAMPLER: "jaeger_remote",
    OTEL_TRACES_SAMPLER_ARG: "2",
    OTEL_RESOURCE_ATTRIBUTES: "a b",
  };
  assert.throws(() => load(env), (error) => {
    assert.ok(error instanceof Fault);
    for (const name of Object.keys(env)) {
      assert.ok(error.message.includes(name), `${name} in ${error.message}`);
    }
    return true;
  });
  const grpc = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
  assert.equal(tracesUrl(load(grpc)), undefined, "set for other programs");
  const withCollector = { ...grpc, OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4317" };
  assert.throws(
    () => load(withCollector),
    /OTEL_EXPORTER_OTLP_PROTOCOL\) must be http\/protobuf or http\/json/,
  );
  assert.throws(() => load({ OTEL_EXPORTER_OTLP_HEADERS: "hunter2" }), (error) => {
    assert.ok(error instanceof Fault);
    assert.match(error.message, /OTEL_EXPORTER_OTLP_HEADERS must be like/);
    return !error.message.includes("hunter2");
  });
});
