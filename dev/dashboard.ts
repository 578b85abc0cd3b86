// deno-lint-ignore-file no-console -- a script whose output is for a person
/** Builds `dist/dashboard`, which the api serves when it runs from sources. Does nothing when nothing has changed. */
import { buildDashboard } from "./compiling/dashboard.ts";

const folder = new URL("../dist/dashboard", import.meta.url).pathname;
const isBuilt = await buildDashboard(folder);
console.error(isBuilt ? "dashboard: built" : "dashboard: up to date");
