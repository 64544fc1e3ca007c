// The other end of a Line: asks the server, for a thread that stands still meanwhile.
import { workerData } from "node:worker_threads";
import { Exchange } from "../http/exchange.js";
import { lastWord, type Question } from "../http/tries.js";
import type { LineEnd } from "./line.js";

const { settings, port, bell } = workerData as LineEnd;
const exchange = new Exchange(settings);

port.on("message", async (question: Question) => {
  port.postMessage(await lastWord(exchange, settings, question));
  // Rung only once the answer lies there.
  Atomics.add(bell, 0, 1);
  Atomics.notify(bell, 0);
});
