/** Ids in the examples of the OpenAPI document. */
export const PROJECT = "proj_5fLqcHJ2t9xKs7dR";
export const DEPLOYMENT = "d_5fLqcHJ2t9xKs7dR";
export const EARLIER_DEPLOYMENT = "d_5fLmvQXw1b8zTn4e";
export const CREATED_AT = 1_790_000_000_000;
export const ENVIRONMENT = "env_5fLqcHJ2t9xKs7dR";
