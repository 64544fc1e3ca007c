export { type Log, logToStandardError } from "./log.js";
export { Worker, type WorkerOptions } from "./worker.js";
