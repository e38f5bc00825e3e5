import { describe, expect, test } from "bun:test";
import { base64 } from "../../src/bytes/base64.ts";
import { hexdump } from "../../src/bytes/hexdump.ts";
import { literal, Output } from "../../src/bytes/output.ts";
import { contents, taken } from "./written.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

describe("numbers", () => {
  const decimal = (value: bigint) =>
    taken((out) => out.unsigned64(Number(value & 0xffffffffn), Number(value >> 32n)));

  test("64 bits at every edge", () => {
    const values = [0n, 0xffffffffffffffffn];
    for (let i = 0n; i < 20n; i++) values.push(10n ** i - 1n, 10n ** i, 10n ** i + 1n);
    for (let i = 0n; i < 64n; i++) values.push(2n ** i - 1n, 2n ** i, 2n ** i + 1n);
    for (const value of values) expect(decimal(value)).toBe(String(value));
  });

  test("64 bits at random", () => {
    const random = crypto.getRandomValues(new BigUint64Array(8000));
    random.forEach((value, i) => {
      const shifted = value >> BigInt(i % 64);
      if (decimal(shifted) !== String(shifted)) expect(decimal(shifted)).toBe(String(shifted));
    });
  });

  test("signed, and nine digits", () => {
    expect(
      taken((out) => {
        for (const n of [-1, -2147483648, 0, 7, 4294967295]) out.signed(n);
      }),
    ).toBe("-1-2147483648074294967295");
    expect(
      taken((out) => {
        for (const n of [0, 1, 99_999_999, 100_000_000, 999_999_999]) out.nine(n);
      }),
    ).toBe("000000000000000001099999999100000000999999999");
  });
});

test("an output grows without losing what it has, and lets giants go", () => {
  const out = new Output(0);
  let expected = "";
  for (let i = 0; i < 3000; i++) {
    out.literal(literal("ab".repeat(i % 9)));
    out.unsigned(i);
    out.copy(encoder.encode("xyz"), 1, 3);
    out.string("é");
    expected += `${"ab".repeat(i % 9)}${i}yzé`;
  }
  expect(decoder.decode(out.bytes.subarray(0, out.length))).toBe(expected);
  out.ensure(16 * 1024 * 1024);
  out.clear();
  expect(out.length).toBe(0);
  expect(out.bytes.length).toBeLessThan(1024 * 1024);
});

describe("contents", () => {
  /** hexdump -C by its specification, the slow way */
  function dump(bytes: Uint8Array): string {
    let rows = "";
    for (let offset = 0; offset < bytes.length; offset += 16) {
      const row = [...bytes.subarray(offset, offset + 16)];
      const hex = row.map((byte) => byte.toString(16).padStart(2, "0"));
      const shown = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "."));
      const columns = `${hex.slice(0, 8).join(" ")}  ${hex.slice(8).join(" ")}`.padEnd(48);
      rows += `\t${offset.toString(16).padStart(8, "0")}  ${columns}  |${shown.join("")}|\n`;
    }
    return rows;
  }

  const lengths = [...Array(50).keys(), 255, 256, 4096, 70_001];
  test.each(lengths)("%d bytes as a hex dump", (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 8)) & 255);
    expect(taken((out) => hexdump(contents(bytes), out))).toBe(dump(bytes));
  });

  test.each([...lengths, 1023, 1024, 1025, 49_151, 49_152, 49_153, 98_305])(
    "%d bytes as base64",
    (length) => {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 8)) & 255);
      const got = taken((out) => {
        out.string("before ");
        base64(contents(bytes), out);
        out.string(" after");
      });
      expect(got).toBe(`before ${Buffer.from(bytes).toString("base64")} after`);
    },
  );

  test("every byte value as a hex dump", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(taken((out) => hexdump(contents(bytes), out))).toBe(dump(bytes));
  });
});
