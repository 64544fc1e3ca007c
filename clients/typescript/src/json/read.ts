import type { Json, JsonObject } from "./json.js";

// Only a number of 16 digits or more can lie beyond what a double holds exactly.
const MAY_BE_LARGE = /\d{16}/;
const BLANK = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const PLAIN = /[^"\\]*/y;
const WORDS = { true: true, false: false, null: null } as const;

/**
 * What the JSON text says. Integers beyond 2^53 are `bigint`s, so that none is rounded; all else is as `JSON.parse` has it.
 *
 * @throws SyntaxError for what isn't JSON
 * @example
 * readJson('{"id": 9007199254740993, "cents": 450}'); // { id: 9007199254740993n, cents: 450 }
 */
export function readJson(text: string): Json {
  return MAY_BE_LARGE.test(text) ? new Reader(text).document() : JSON.parse(text);
}

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  document(): Json {
    const value = this.value();
    if (this.next() !== "") this.refuse("the end");
    return value;
  }

  private value(): Json {
    const first = this.next();
    if (first === "{") return this.object();
    if (first === "[") return this.list();
    if (first === '"') return this.string();
    for (const [word, value] of Object.entries(WORDS)) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.number();
  }

  private object(): JsonObject {
    const found: JsonObject = {};
    this.at++;
    if (this.passed("}")) return found;
    do {
      if (this.next() !== '"') this.refuse("a key");
      const key = this.string();
      this.expect(":");
      const value = this.value();
      // Assigned, a key of this name would set the prototype.
      if (key === "__proto__") Object.defineProperty(found, key, { value, ...OWN });
      else found[key] = value;
    } while (this.passed(","));
    this.expect("}");
    return found;
  }

  private list(): Json[] {
    const found: Json[] = [];
    this.at++;
    if (this.passed("]")) return found;
    do found.push(this.value());
    while (this.passed(","));
    this.expect("]");
    return found;
  }

  private string(): string {
    const start = this.at++;
    for (;;) {
      PLAIN.lastIndex = this.at;
      PLAIN.test(this.text);
      this.at = PLAIN.lastIndex;
      const end = this.text[this.at];
      if (end === '"') break;
      if (end !== "\\") this.refuse("a string that ends");
      this.at += 2;
    }
    this.at++;
    return JSON.parse(this.text.slice(start, this.at));
  }

  private number(): number | bigint {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.text);
    if (found === null) return this.refuse("a value");
    this.at = NUMBER.lastIndex;
    const [digits, fraction, exponent] = found;
    const value = Number(digits);
    const isWhole = fraction === undefined && exponent === undefined;
    return isWhole && !Number.isSafeInteger(value) ? BigInt(digits) : value;
  }

  /** The next character that isn't blank; empty at the end. */
  private next(): string {
    BLANK.lastIndex = this.at;
    BLANK.test(this.text);
    this.at = BLANK.lastIndex;
    return this.text.charAt(this.at);
  }

  private passed(character: string): boolean {
    const isThere = this.next() === character;
    if (isThere) this.at++;
    return isThere;
  }

  private expect(character: string): void {
    if (!this.passed(character)) this.refuse(`"${character}"`);
  }

  private refuse(wanted: string): never {
    const found = this.at < this.text.length ? `"${this.text[this.at]}"` : "the end";
    throw new SyntaxError(`JSON at character ${this.at}: there should be ${wanted}, not ${found}`);
  }
}

const OWN = { writable: true, enumerable: true, configurable: true };
