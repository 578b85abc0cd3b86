/** Protobuf messages as they travel between services: JSON, so that any client can read and write them. */
import { type DescMessage, fromJsonString, type MessageShape, toJsonString } from "@bufbuild/protobuf";
import type { Serde } from "@restatedev/restate-sdk/fetch";

/** JSON of `schema`'s messages. Unknown fields are ignored, so that a newer caller can talk to an older worker. */
export function protoSerde<D extends DescMessage>(schema: D): Serde<MessageShape<D>> {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  return {
    contentType: "application/json",
    serialize: (message) => encoder.encode(toJsonString(schema, message)),
    deserialize: (bytes) => fromJsonString(schema, decoder.decode(bytes), { ignoreUnknownFields: true }),
  };
}

/** Plain JSON. What is read was written through the same contract, so its type is taken on trust. */
export function jsonSerde<T>(): Serde<T> {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  return {
    contentType: "application/json",
    serialize: (value) => encoder.encode(JSON.stringify(value)),
    deserialize: (bytes) => JSON.parse(decoder.decode(bytes)) as T,
  };
}
