import { describe, expect, test } from "bun:test";
import { type BtfType, parseBtf } from "../../ffi/bundle/btf.ts";
import { layoutOf } from "../../ffi/bundle/layout.ts";
import { longestRecord } from "../../ffi/ring.ts";
import * as records from "../../src/layout.ts";

type Struct = Extract<BtfType, { kind: "struct" }>;

const u8: BtfType = { kind: "int", name: "u8", size: 1, signed: false };
const u16: BtfType = { kind: "int", name: "u16", size: 2, signed: false };
const u32: BtfType = { kind: "int", name: "u32", size: 4, signed: false };
const u64: BtfType = { kind: "int", name: "u64", size: 8, signed: false };
const pointer: BtfType = { kind: "pointer", name: "", type: 3 };
const bytes: BtfType = { kind: "array", type: 1, length: 8 };
const typedef: BtfType = { kind: "typedef", name: "word", type: 3 };
/** void first: a type's id is its index */
const basics: readonly BtfType[] = [
  { kind: "other", name: "void", type: 0 },
  ...[u8, u16, u32, u64, pointer, bytes, typedef],
];
const ids = { u8: 1, u16: 2, u32: 3, u64: 4, pointer: 5, bytes: 6, word: 7 } as const;
type Basic = keyof typeof ids;

function struct(
  name: string,
  size: number,
  members: [name: string, type: Basic | number, offset: number][],
): Struct {
  return {
    kind: "struct",
    name,
    size,
    bitfields: false,
    members: members.map(([member, type, offset]) => ({
      name: member,
      type: typeof type === "number" ? type : ids[type],
      offset,
    })),
  };
}

/** What src/layout.ts would be with `record` as the only record; `more` have the ids from 11 on. */
function generate(record: BtfType, ...more: BtfType[]): string {
  const config = struct("config", 4, [["contents", "u32", 0]]);
  const shared = struct("shared", 4, [["awake", "u32", 0]]);
  const member = struct("member", 4, [["groups", "u32", 0]]);
  const naming = struct("naming", 4, [["groups", "u32", 0]]);
  const types: BtfType[] = [...basics, config, shared, record, ...more, member, naming];
  const anchor = types.length;
  types.push(
    { kind: "pointer", name: "", type: types.indexOf(record) },
    { kind: "var", name: "anchor", type: anchor },
    { kind: "datasec", name: ".ipc.events", variables: [anchor + 1] },
  );
  return layoutOf(types);
}

/** The class that was generated, over 32-bit words that hold their own index. */
function words(source: string, name: string): Record<string, unknown> {
  const script = new Bun.Transpiler({ loader: "ts" }).transformSync(source).replaceAll("export ", "");
  const made = new Function(`${script}; return ${name};`)() as new (words: Uint32Array) => object;
  const reader = new made(Uint32Array.from({ length: 64 }, (_, i) => i));
  return reader as Record<string, unknown>;
}

describe("what is generated reads what C wrote", () => {
  test("words, halves, typedefs and arrays", () => {
    const record = struct("ping_record", 32, [
      ["type", "word", 0],
      ["src_flags", "u32", 4],
      ["time", "u64", 8],
      ["data", "bytes", 16],
      ["inode", "u64", 24],
    ]);
    const source = generate(record);
    const reader = words(source, "PingRecord");
    const fields = ["type", "srcFlags", "timeLow", "timeHigh", "inodeLow", "inodeHigh"];
    expect(fields.map((field) => reader[field])).toEqual([0, 1, 2, 3, 6, 7]);
    reader.at = 10;
    expect(fields.map((field) => reader[field])).toEqual([10, 11, 12, 13, 16, 17]);
    expect(source).toContain("static readonly size = 32;");
    expect(source).toContain("static readonly data = { offset: 16, length: 8, size: 1 } as const;");
  });

  test("structs within structs", () => {
    const inner = struct("process", 8, [
      ["tgid", "u32", 0],
      ["tag", "u32", 4],
    ]);
    const record = struct("ping_record", 12, [
      ["type", "u32", 0],
      ["dst", 11, 4],
    ]);
    const reader = words(generate(record, inner), "PingRecord");
    expect([reader.dstTgid, reader.dstTag]).toEqual([1, 2]);
  });

  test("enums", () => {
    const source = generate({
      kind: "enum",
      name: "lost_reason",
      values: [
        { name: "LOST_A", value: 0 },
        { name: "LOST_B", value: 4 },
      ],
    });
    expect(source).toContain("export const LostReason = {\n  LOST_A: 0,\n  LOST_B: 4,\n} as const;");
  });
});

describe("what TypeScript can't read exactly is refused, by name", () => {
  const refused: [what: string, record: Struct, message: string][] = [
    [
      "a hole",
      struct("r", 16, [
        ["type", "u32", 0],
        ["time", "u64", 8],
      ]),
      "hole before r.time",
    ],
    [
      "a hole at the end",
      struct("r", 16, [
        ["time", "u64", 0],
        ["type", "u32", 8],
      ]),
      "hole at the end of struct r",
    ],
    [
      "a union",
      struct("r", 8, [
        ["a", "u64", 0],
        ["b", "u64", 0],
      ]),
      "r.b",
    ],
    ["bitfields", { ...struct("r", 4, [["a", "u32", 0]]), bitfields: true }, "struct r has bitfields"],
    ["a pointer", struct("r", 8, [["task", "pointer", 0]]), "r.task has no fixed width"],
    [
      "a field narrower than a word",
      struct("r", 4, [
        ["port", "u16", 0],
        ["more", "u16", 2],
      ]),
      "r.port has 2 bytes",
    ],
  ];
  for (const [what, record, message] of refused) {
    test(what, () => expect(() => generate(record)).toThrow(message));
  }

  test("a hole in a struct within, or in one of an array", () => {
    const inner = struct("inner", 16, [
      ["a", "u32", 0],
      ["b", "u64", 8],
    ]);
    const record = struct("r", 16, [["in", 11, 0]]);
    expect(() => generate(record, inner)).toThrow("hole before inner.b");
    const list = struct("r", 32, [["list", 12, 0]]);
    expect(() => generate(list, inner, { kind: "array", type: 11, length: 2 })).toThrow(
      "hole before inner.b",
    );
  });

  test("a struct both sides share that is not there", () => {
    expect(() => layoutOf([...basics])).toThrow("struct config is not in the BPF object");
  });

  test("something that is no BTF", () => {
    expect(() => parseBtf(new Uint8Array(64))).toThrow("not BTF");
  });
});

/** BTF as clang writes it: header, types, strings. */
class BtfWriter {
  readonly #words: number[] = [];
  #strings = "\0";

  name(text: string): number {
    const at = this.#strings.length;
    this.#strings += `${text}\0`;
    return at;
  }

  type(
    name: string,
    kind: number,
    count: number,
    flag: boolean,
    sizeOrType: number,
    ...rest: number[]
  ): this {
    const info = ((flag ? 0x8000_0000 : 0) | (kind << 24) | count) >>> 0;
    this.#words.push(name === "" ? 0 : this.name(name), info, sizeOrType, ...rest);
    return this;
  }

  bytes(): Uint8Array {
    const header = 24;
    const types = this.#words.length * 4;
    const strings = new TextEncoder().encode(this.#strings);
    const file = new Uint8Array(header + types + strings.length);
    const view = new DataView(file.buffer);
    view.setUint16(0, 0xeb9f, true);
    view.setUint8(2, 1);
    for (const [i, value] of [header, 0, types, types, strings.length].entries()) {
      view.setUint32(4 + i * 4, value, true);
    }
    for (const [i, word] of this.#words.entries()) view.setUint32(header + i * 4, word, true);
    file.set(strings, header + types);
    return file;
  }
}

test("BTF is parsed as clang writes it", () => {
  const writer = new BtfWriter();
  writer.type("unsigned int", 1, 0, false, 4, 32);
  writer.type("plain", 4, 1, false, 8, writer.name("first"), 1, 32);
  writer.type("packed", 4, 1, true, 4, writer.name("bits"), 1, (3 << 24) | 8);
  writer.type("", 3, 0, false, 0, 1, 1, 12);
  writer.type("word", 8, 0, false, 1);
  writer.type("color", 6, 1, false, 4, writer.name("RED"), 0xffff_ffff);
  writer.type("", 13, 1, false, 0, 0, 1);
  writer.type("after", 10, 0, false, 1);
  expect(parseBtf(writer.bytes())).toEqual([
    { kind: "other", name: "void", type: 0 },
    { kind: "int", name: "unsigned int", size: 4, signed: false },
    {
      kind: "struct",
      name: "plain",
      size: 8,
      bitfields: false,
      members: [{ name: "first", type: 1, offset: 4 }],
    },
    {
      kind: "struct",
      name: "packed",
      size: 4,
      bitfields: true,
      members: [{ name: "bits", type: 1, offset: 1 }],
    },
    { kind: "array", type: 1, length: 12 },
    { kind: "typedef", name: "word", type: 1 },
    { kind: "enum", name: "color", values: [{ name: "RED", value: -1 }] },
    { kind: "other", name: "", type: 0 },
    { kind: "const", name: "after", type: 1 },
  ]);
});

test("no record is longer than what the ring is mapped beyond its end", () => {
  const header = 8;
  for (const [name, record] of Object.entries(records)) {
    const size = "size" in record ? record.size : 0;
    expect([name, size + header <= longestRecord]).toEqual([name, true]);
  }
});
