/** Takes what a worker has to tell: a word for how bad it is, a sentence, and what it is about. */
export type Log = (
  level: "info" | "warn" | "error",
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** Lines on standard error; what is only good to know isn't told. */
export const logToStandardError: Log = (level, message, fields = {}) => {
  if (level === "info") return;
  const told = Object.entries(fields).map(([key, value]) => ` ${key}=${value}`);
  process.stderr.write(`${level}: ${message}${told.join("")}\n`);
};
