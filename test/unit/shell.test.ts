import { expect, test } from "bun:test";
import { quoted } from "../../src/bytes/shell.ts";

const words: Uint8Array[] = [
  ...[
    "ipcdump",
    "-t",
    "a=b",
    "a; b",
    "it's",
    "",
    "*",
    "~",
    "$HOME",
    "\\",
    "a\\x41b",
    "naïve",
    "日本",
    "!!",
    '-- "x"',
    "a\nb",
    "\x1b[31m'",
    "\u202eb",
    "`id`",
  ].map((text) => new TextEncoder().encode(text)),
  Uint8Array.of(0x61, 0xff, 0x31, 0x27, 0x5c),
];

test("a shell reads every word back as it was", () => {
  const line = words.map(quoted).join(" ");
  const { stdout } = Bun.spawnSync(["bash", "-c", `printf '%s\\0' ${line}`]);
  expect([...stdout]).toEqual(words.flatMap((word) => [...word, 0]));
});

test("nothing hidden is in the line, and nothing is quoted without need", () => {
  expect(words.slice(0, 5).map(quoted)).toEqual(["ipcdump", "-t", "a=b", "'a; b'", "'it'\\''s'"]);
  expect(quoted("a\nb")).toBe("$'a\\x0ab'");
  expect(quoted("\x1b[31m'")).toBe("$'\\x1b[31m\\''");
});
