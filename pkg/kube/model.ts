import type { z } from "zod";

/**
 * A model of `@kubernetes/client-node` as the API writes it: dates are texts, and the names that the library begins with
 * `_`, because they are words of JavaScript, are without it.
 */
export type JsonOf<Model> = Model extends Date ? string
  : Model extends readonly (infer Item)[] ? JsonOf<Item>[]
  : Model extends object
    ? { [Key in keyof Model as Key extends `_${infer Name}` ? Name : Key]: JsonOf<Model[Key]> }
  : Model;

type PartOf<Json> = Json extends readonly (infer Item)[] ? PartOf<Item>[]
  : Json extends object ? { [Key in keyof Json]?: PartOf<Json[Key]> | null | undefined }
  : Json;

/**
 * The fields of a schema that reads a part of a model. A name that the model lacks does not compile, nor does a value of
 * another type: `z.object({ podIP: z.string() } satisfies FieldsOf<V1PodStatus>)`.
 */
export type FieldsOf<Model> = {
  readonly [Key in keyof JsonOf<Model>]?: z.ZodType<
    unknown,
    PartOf<JsonOf<Model>[Key]> | null | undefined
  >;
};
