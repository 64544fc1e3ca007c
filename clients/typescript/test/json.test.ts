import assert from "node:assert/strict";
import { test } from "node:test";
import { PayloadError, readJson, writeJson } from "../src/index.js";

test("integers that a double would round are read and written digit by digit", () => {
  const text = '{"a":[9007199254740993,-9007199254740992,9007199254740991,1],"b":123456789012345678901234567890}';
  const value = readJson(text) as { a: unknown[]; b: unknown };
  assert.deepEqual(value.a, [9007199254740993n, -9007199254740992n, 9007199254740991, 1]);
  assert.equal(value.b, 123456789012345678901234567890n);
  assert.equal(writeJson(value), text);
});

test("what only looks like a large integer is read as JSON.parse reads it", () => {
  for (const text of ['"9007199254740993"', "0.12345678901234567", "1234567890123456.5", "12345678901234567e-3"]) {
    assert.deepEqual(readJson(text), JSON.parse(text));
  }
});

test("the reader agrees with JSON.parse on everything else", () => {
  const large = "9007199254740993";
  const texts = [
    '{"k":"a\\"b\\\\c\\u00e9\\n\\ud83d\\ude00","":{},"l":[],"t":true,"f":false,"n":null,"x":-0.5e-3}',
    ' [ 1 , { "a" : [ [ ] ] } ,\t"\\/" ]\r\n',
    '{"__proto__":{"polluted":1},"constructor":2,"a":1,"a":2}',
    '"Ånn 🎉 \u2028"',
  ];
  for (const text of texts) {
    const [read, , rest] = readJson(`[${text},${large},${text}]`) as unknown[];
    assert.deepEqual(read, JSON.parse(text));
    assert.deepEqual(rest, JSON.parse(text));
  }
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

test("what isn't JSON is refused with its place", () => {
  const large = "9007199254740993";
  for (const text of ["[1,]", '{"a"}', '{"a":1,}', '"\u0001"', '"open', "[1", "01", "1.", "tru", '"\\x"']) {
    assert.throws(() => readJson(`${text},${large}`), SyntaxError, text);
    assert.throws(() => readJson(`[${large},${text}`), SyntaxError, text);
  }
  assert.throws(() => readJson(`[${large}, oops]`), /character 19: there should be a value, not "o"/);
});

test("the writer says what JSON.stringify says", () => {
  class Money {
    constructor(readonly cents: number) {}
  }
  const values = [
    { a: undefined, b: () => 1, c: [undefined, Symbol("s")], d: new Date(0), e: new Money(450), f: Object("boxed") },
    ["\ud800", "a\u2028b", -0, 1e21, 5e-324, true, null, { "": [] }],
    { toJSON: () => ({ said: "itself" }) },
  ];
  for (const value of values) assert.equal(writeJson(value), JSON.stringify(value));
});

test("what JSON can't say is refused by its place, rather than changed", () => {
  assert.throws(() => writeJson({ total: [1, Number.NaN] }, "result"), /^PayloadError: result\.total\[1\] is NaN/);
  assert.throws(() => writeJson({ skus: new Map() }, "context"), /context\.skus is a Map/);
  assert.throws(() => writeJson(undefined, "result"), PayloadError);
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  assert.throws(() => writeJson(circle, "result"), /result\.self.*holds itself/);
});
