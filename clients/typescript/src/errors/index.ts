export * from "./base.js";
export * from "./client.js";
export * from "./handler.js";
