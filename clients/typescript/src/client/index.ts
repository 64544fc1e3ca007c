export { AsyncTaskerClient } from "./async-client.js";
export type { CreateOptions } from "./client.js";
export { FfiLayer } from "./ffi-layer.js";
export type { TaskFilters } from "./filters.js";
export type { Answer, Word } from "./operating.js";
export type { ClientOptions } from "./options.js";
export * from "./responses.js";
export { TaskerClient } from "./sync-client.js";
export type { TaskWish } from "./wishes.js";
