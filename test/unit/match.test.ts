import { expect, test } from "bun:test";
import { Pattern } from "../../src/match/pattern.ts";

const encoder = new TextEncoder();

/** Between other bytes that would match as well, as contents lie in the ring. */
function isIn(written: string, text: string | Uint8Array): boolean {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  const around = new Uint8Array(bytes.length + 20).fill(0x78);
  around.set(bytes, 10);
  return new Pattern(written).isIn(around, 10, bytes.length);
}

const texts: [written: string, text: string, wanted: boolean][] = [
  ["GET", "a GET b", true],
  ["GET", "get", false],
  ["aab", "aaab", true],
  ["a.c", "abc", false],
  ["ö", "schön", true],
  ["x", "", false],
  ["/", "a/b", true],
  ["//", "a//b", true],
];
test.each(texts)("the text %j in %j: %p", (written, text, wanted) => {
  expect(isIn(written, text)).toBe(wanted);
});

/** Compared with the engine's own, which goes back where ours does not. */
const expressions = [
  "a.c",
  "^a",
  "c$",
  "^abc$",
  "a|b|",
  "(ab|cd)+e",
  "(?:ab)*c",
  "a{2}",
  "a{2,}b",
  "a{1,3}b",
  "a+?b",
  "[a-c]x",
  "[^a-c]x",
  "[]a]",
  "[a\\]b]",
  "[-a]",
  "[a-]",
  "\\d+-\\d+",
  "\\D\\W\\S",
  "\\bfoo\\b",
  "\\Bo",
  "\\s$",
  "\\x41\\u0042",
  "\\.",
  "ü+",
  "^$",
  "a{,2}",
  "x{0}y",
  "(a|ab)(c|bcd)$",
];
const subjects = [
  ...["", "a", "abc", "aac", "a\nc", "abcabcde", "cde", "aaab", "ax", "dx", "]", "-", "1-2", "x 1-23", "a\n"],
  ...[
    "foo",
    "foo bar",
    "xfoo",
    "AB",
    "a.b",
    "über üü",
    "y",
    "a{,2}",
    "abcd",
    "acd",
    "\t",
    "b!c",
    "  ",
    "💥x",
  ],
];
test.each(expressions)("/%s/ is as usual", (expression) => {
  for (const flags of ["", "i", "m", "s", "ims"]) {
    let usual: RegExp;
    try {
      usual = new RegExp(expression, `${flags}u`);
    } catch {
      usual = new RegExp(expression, flags);
    }
    for (const subject of subjects) {
      expect([flags, subject, isIn(`/${expression}/${flags}`, subject)]).toEqual([
        flags,
        subject,
        usual.test(subject),
      ]);
    }
  }
});

test("bytes that are no character are what \\x says", () => {
  const bytes = Uint8Array.of(0x00, 0xff, 0xc3, 0x61);
  expect(isIn("/\\x00\\xff\\xc3a/", bytes)).toBe(true);
  expect(isIn("/^.{4}$/", bytes)).toBe(true);
  expect(isIn("/\\xfe/", bytes)).toBe(false);
});

test("what takes others for ever is one way over the bytes", () => {
  const hostile = encoder.encode("a".repeat(200_000));
  for (const written of ["/(a+)+$b/", "/(a|a)*b/", "/(a*)*b/", "/(a|b)*a(a|b){12}c/", "/a{100}b|(.*a){20}b/"])
    expect(isIn(written, hostile)).toBe(false);
});
