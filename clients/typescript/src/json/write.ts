import { PayloadError } from "../errors/client.js";

/** Deeper than anything that a server takes, and far from where the stack ends. */
const DEEPEST = 500;

/**
 * `value` as JSON text. A `bigint` becomes its digits; what `JSON.stringify` leaves out is left out, and `toJSON` is heeded.
 *
 * @param place what `value` is, for the error
 * @throws PayloadError for what JSON can't say and `JSON.stringify` would change without a word: NaN, infinity, a Map or
 * a Set; and for what is nested too deeply, or within itself
 * @example
 * writeJson({ id: 9007199254740993n, at: new Date(0) }); // '{"id":9007199254740993,"at":"1970-01-01T00:00:00.000Z"}'
 */
export function writeJson(value: unknown, place = "value"): string {
  const text = new Writer(place).text(value, "");
  if (text === undefined) throw new PayloadError(`${place} must be JSON, not ${typeof value}`, { field: place });
  return text;
}

class Writer {
  private readonly path: string[];

  constructor(place: string) {
    this.path = [place];
  }

  /** The text of the value under `key`; undefined for what has none. */
  text(given: unknown, key: string): string | undefined {
    const value = hasToJson(given) ? given.toJSON(key) : given;
    switch (typeof value) {
      case "string":
        return JSON.stringify(value);
      case "number":
        return Number.isFinite(value) ? String(value) : this.refuse(`is ${value}, which JSON can't say`);
      case "boolean":
      case "bigint":
        return String(value);
      case "object":
        return value === null ? "null" : this.nested(value);
      default:
        return undefined;
    }
  }

  private nested(value: object): string {
    if (this.path.length > DEEPEST) this.refuse("is nested too deeply, or holds itself", this.path.slice(0, 4));
    if (value instanceof Map || value instanceof Set)
      this.refuse(`is a ${value.constructor.name}, which JSON can't say`);
    if (value instanceof Number || value instanceof String || value instanceof Boolean) {
      return this.text(value.valueOf(), "") ?? "null";
    }
    return Array.isArray(value) ? this.list(value) : this.object(value);
  }

  private list(values: readonly unknown[]): string {
    const found = values.map((value, index) => this.below(`[${index}]`, value, String(index)) ?? "null");
    return `[${found.join(",")}]`;
  }

  private object(value: object): string {
    const found: string[] = [];
    for (const [key, each] of Object.entries(value)) {
      const text = this.below(`.${key}`, each, key);
      if (text !== undefined) found.push(`${JSON.stringify(key)}:${text}`);
    }
    return `{${found.join(",")}}`;
  }

  private below(step: string, value: unknown, key: string): string | undefined {
    this.path.push(step);
    const text = this.text(value, key);
    this.path.pop();
    return text;
  }

  private refuse(why: string, path = this.path): never {
    throw new PayloadError(`${path.join("")} ${why}`, { field: this.path[0] ?? "value" });
  }
}

function hasToJson(value: unknown): value is { toJSON(key: string): unknown } {
  return typeof value === "object" && value !== null && "toJSON" in value && typeof value.toJSON === "function";
}
