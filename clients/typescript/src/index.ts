export * from "./client/index.js";
export * from "./errors/index.js";
export * from "./handler/index.js";
export type { ConnectionOptions } from "./http/settings.js";
export type { Json, JsonObject } from "./json/json.js";
export { readJson } from "./json/read.js";
export { writeJson } from "./json/write.js";
export { VERSION } from "./version.js";
export * from "./worker/index.js";
