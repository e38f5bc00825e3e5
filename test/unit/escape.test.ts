import { expect, test } from "bun:test";
import { escapeJson, escapeText, printable } from "../../src/bytes/escape.ts";
import { Output } from "../../src/bytes/output.ts";
import { decode, invalid, isHidden } from "../../src/bytes/utf8.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function written(write: typeof escapeText, bytes: Uint8Array): string {
  const out = new Output(0);
  write(bytes, 0, bytes.length, out);
  return strict.decode(out.bytes.subarray(0, out.length));
}
const text = (bytes: Uint8Array) => written(escapeText, bytes);
const json = (bytes: Uint8Array) => written(escapeJson, bytes);

const cases: [name: string, bytes: Uint8Array, text: string, json: string][] = [
  ["plain", encoder.encode("nginx: worker"), "nginx: worker", "nginx: worker"],
  ["empty", encoder.encode(""), "", ""],
  ["UTF-8", encoder.encode("naïve 日本 🦊"), "naïve 日本 🦊", "naïve 日本 🦊"],
  ["escape sequence", encoder.encode("\x1b[31m"), "\\x1b[31m", "\\u001b[31m"],
  ["newline and tab", encoder.encode("a\n\tb"), "a\\x0a\\x09b", "a\\u000a\\u0009b"],
  ["NUL and DEL", encoder.encode("\0\x7f"), "\\x00\\x7f", "\\u0000\\u007f"],
  ["C1 as UTF-8", encoder.encode("\u009b31m"), "\\xc2\\x9b31m", "\\u009b31m"],
  ["C1 as a byte", Uint8Array.of(0x9b, 0x41), "\\x9bA", "\ufffdA"],
  ["backslash", encoder.encode("\\x1b"), "\\\\x1b", "\\\\x1b"],
  ["quote", encoder.encode('a"b'), 'a"b', 'a\\"b'],
  ["bidi override", encoder.encode("a\u202eb"), "a\\xe2\\x80\\xaeb", "a\\u202eb"],
  ["zero-width space", encoder.encode("\u200b"), "\\xe2\\x80\\x8b", "\\u200b"],
  ["tag beyond U+FFFF", encoder.encode("\u{e0041}"), "\\xf3\\xa0\\x81\\x81", "\\udb40\\udc41"],
  ["cut character", encoder.encode("é").subarray(0, 1), "\\xc3", "\ufffd"],
  ["overlong slash", Uint8Array.of(0xc0, 0xaf), "\\xc0\\xaf", "\ufffd\ufffd"],
  ["surrogate", Uint8Array.of(0xed, 0xa0, 0x80), "\\xed\\xa0\\x80", "\ufffd\ufffd\ufffd"],
];
test.each(cases)("%s", (_, bytes, inText, inJson) => {
  expect(text(bytes)).toBe(inText);
  expect(json(bytes)).toBe(inJson);
});

test("every code point decodes to itself", () => {
  for (let point = 0; point <= 0x10ffff; point++) {
    if (point === 0xd800) point = 0xe000;
    const bytes = encoder.encode(String.fromCodePoint(point));
    const got = decode(bytes, 0, bytes.length);
    if (got !== ((point << 3) | bytes.length))
      expect([point, got >>> 3, got & 7]).toEqual([point, point, bytes.length]);
  }
});

test("what is hidden agrees with the engine's Unicode tables, which may know newer ones", () => {
  const pattern = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
  for (let point = 0; point <= 0x10ffff; point++) {
    if (point === 0xd800) point = 0xe000;
    if (isHidden(point) !== pattern.test(String.fromCodePoint(point))) {
      expect(`U+${point.toString(16)} hidden: ${isHidden(point)}`).toBe("");
    }
  }
});

/** Bytes that make broken UTF-8 likely. */
function hostile(length: number): Uint8Array {
  const likely = [
    0x22, 0x5c, 0x0a, 0x1b, 0x7f, 0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xa0, 0xe2, 0x80, 0xae, 0xed, 0xf0, 0x9f,
    0xf4, 0xff,
  ];
  return Uint8Array.from({ length }, () =>
    Math.random() < 0.7
      ? likely[Math.floor(Math.random() * likely.length)]!
      : Math.floor(Math.random() * 256),
  );
}

test("any bytes give JSON that parses to what TextDecoder reads", () => {
  for (let round = 0; round < 20_000; round++) {
    const bytes = hostile(round % 24);
    expect(JSON.parse(`"${json(bytes)}"`)).toBe(decoder.decode(bytes));
  }
});

test("any bytes give text without controls, from which the bytes can be read back", () => {
  for (let round = 0; round < 20_000; round++) {
    const bytes = hostile(round % 24);
    const shown = text(bytes);
    expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    const back: number[] = [];
    for (const part of shown.match(/\\x[0-9a-f]{2}|\\\\|[^\\]/gu) ?? []) {
      if (part === "\\\\") back.push(0x5c);
      else if (part.startsWith("\\")) back.push(Number.parseInt(part.slice(2), 16));
      else back.push(...encoder.encode(part));
    }
    expect(back).toEqual([...bytes]);
  }
});

test("invalid input never reads beyond its end", () => {
  const bytes = encoder.encode("🦊");
  for (let end = 1; end < 4; end++) expect(decode(bytes, 0, end)).toBe((invalid << 3) | end);
});

test("printable", () => {
  expect(printable("a\u001bb")).toBe("a\\x1bb");
  expect(printable(Uint8Array.of(0x61, 0xff))).toBe("a\\xff");
});
