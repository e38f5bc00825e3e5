import { expect, test } from "bun:test";
import { Addresses, AddressField, printAddress } from "../../src/name/addresses.ts";

const shown: [hex: string, text: string][] = [
  ["00000000000000000000ffff7f000001", "127.0.0.1"],
  ["00000000000000000000ffff00000000", "0.0.0.0"],
  ["00000000000000000000000000000000", "::"],
  ["00000000000000000000000000000001", "::1"],
  ["fe800000000000000000000000000012", "fe80::12"],
  ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
  ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
  ["00010002000300040005000600070000", "1:2:3:4:5:6:7:0"],
];

test.each(shown)("%s is %s", (hex, text) => {
  expect(printAddress(Uint8Array.fromHex(hex))).toBe(text);
});

test("records one after the other, each with its own", () => {
  const words = new Uint32Array(shown.length * 8);
  for (const [i, [hex]] of shown.entries())
    new Uint8Array(words.buffer, i * 32 + 16).set(Uint8Array.fromHex(hex));
  const field = new AddressField(words, 16, new Addresses());
  const order = [0, 0, 1, 0, 2, 3, 3, 4, 5, 6, 7, 7, 2];
  for (const i of order) {
    expect(new TextDecoder().decode(field.text(i * 8))).toBe(shown[i]![1]);
    expect(field.bytes(i * 8).toHex()).toBe(shown[i]![0]);
  }
});
