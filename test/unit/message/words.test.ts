import { expect, test } from "bun:test";
import { word } from "../../../src/message/decoders/words.ts";

test("words are copies, shared by those that are alike and by no others", () => {
  const bytes = new TextEncoder().encode("SET GET SET");
  const [set, get, again] = [word(bytes, 0, 3), word(bytes, 4, 7), word(bytes, 8, 11)];
  expect(again).toBe(set);
  bytes.fill(0x78);
  expect([set, get, again].map((one) => new TextDecoder().decode(one))).toEqual(["SET", "GET", "SET"]);
  // more of them than are remembered, of every short length
  const all = Array.from({ length: 5000 }, (_, i) => `${i}`.repeat(1 + (i % 4)));
  for (const text of [...all, ...all]) {
    const written = new TextEncoder().encode(`-${text}-`);
    expect(new TextDecoder().decode(word(written, 1, written.length - 1))).toBe(text);
  }
  expect(word(bytes, 5, 5)).toHaveLength(0);
});
