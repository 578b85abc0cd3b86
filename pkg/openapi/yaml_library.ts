/**
 * The parts of the YAML library that are used, in a module of our own: a bundle gives a library that is imported by name when it
 * is needed as its default export only.
 */
export { Composer, isAlias, isMap, isScalar, isSeq, Lexer, Parser } from "yaml";
export type { CST, Node } from "yaml";
