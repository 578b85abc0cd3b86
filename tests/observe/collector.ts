/** A real OpenTelemetry collector, as `dev/parts/otelcol.sh` builds it, which passes spans on to the test. */
import { z } from "zod";
import { canRun, killChild, PARTS_CACHE } from "../../pkg/testkit/commands.ts";
import { eventually, freePort } from "../testbed/wait.ts";

const PROGRAM = `${PARTS_CACHE}/bin/otelcol-0.165.0`;

/** True when the collector has been built here. */
export async function hasCollector(): Promise<boolean> {
  return await canRun([[PROGRAM, "--version"]]);
}

/** Attributes as OTLP's JSON has them, with the texts and switches that the platform sends. */
const Attributes = z.array(z.object({
  key: z.string(),
  value: z.object({ stringValue: z.string().optional(), boolValue: z.boolean().optional() }),
})).default([]).transform((all) =>
  Object.fromEntries(all.map(({ key, value }) => [key, value.stringValue ?? value.boolValue]))
);
const Span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().default(""),
  name: z.string(),
  startTimeUnixNano: z.string(),
  endTimeUnixNano: z.string(),
  attributes: Attributes,
  status: z.object({ code: z.number().default(0) }),
});
const Request = z.object({
  resourceSpans: z.array(z.object({
    resource: z.object({ attributes: Attributes }),
    scopeSpans: z.array(z.object({ spans: z.array(Span) })),
  })),
});

/** A span as the collector passed it on, with the attributes of its sender. */
export type CollectedSpan = z.infer<typeof Span> & {
  readonly resource: Readonly<Record<string, string | boolean | undefined>>;
};

/** A collector that can be stopped and started again at its port. */
export class RealCollector implements AsyncDisposable {
  /** Its spans, in the order of their coming. */
  readonly spans: CollectedSpan[] = [];
  readonly #port = freePort();
  readonly #folder: string;
  readonly #sink: Deno.HttpServer<Deno.NetAddr>;
  #child: Deno.ChildProcess | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#sink = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
      async (request) => {
        for (const { resource, scopeSpans } of Request.parse(await request.json()).resourceSpans) {
          const spans = scopeSpans.flatMap((scope) => scope.spans);
          this.spans.push(...spans.map((span) => ({ ...span, resource: resource.attributes })));
        }
        return Response.json({});
      },
    );
  }

  static async create(): Promise<RealCollector> {
    const collector = new RealCollector(await Deno.makeTempDir({ prefix: "unkey-collector-" }));
    await Deno.writeTextFile(`${collector.#folder}/config.yaml`, collector.#config());
    return collector;
  }

  /** Of the setting `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    this.#child = new Deno.Command(PROGRAM, {
      args: [`--config=file:${this.#folder}/config.yaml`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    // It answers any GET with 405 when it listens.
    await eventually("the collector to listen", async () => {
      const response = await fetch(`${this.url}/v1/traces`).catch(() => undefined);
      await response?.body?.cancel();
      return response !== undefined;
    });
  }

  async stop(): Promise<void> {
    if (this.#child !== undefined) await killChild(this.#child);
    this.#child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#sink.shutdown();
    await Deno.remove(this.#folder, { recursive: true });
  }

  #config(): string {
    const sink = `http://127.0.0.1:${this.#sink.addr.port}`;
    // JSON is YAML.
    return JSON.stringify({
      receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${this.#port}` } } } },
      exporters: { otlp_http: { endpoint: sink, encoding: "json", compression: "none" } },
      service: {
        telemetry: { metrics: { level: "none" } },
        pipelines: { traces: { receivers: ["otlp"], exporters: ["otlp_http"] } },
      },
    });
  }
}
