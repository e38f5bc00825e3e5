/**
 * BTF of a BPF object file: just enough of it to know the layouts of our structs and enums. libbpf's btf__* would save
 * the header and the names only, for members and values lie in memory as they do here; and layouts are wanted before
 * libbpf is built, and of an object for another processor.
 */

export interface StructMember {
  name: string;
  type: number;
  /** bytes from the start of the struct */
  offset: number;
}
export type BtfType =
  | { kind: "int"; name: string; size: number; signed: boolean }
  | { kind: "pointer" | "typedef" | "const" | "volatile" | "other"; name: string; type: number }
  | { kind: "array"; type: number; length: number }
  | { kind: "struct"; name: string; size: number; members: StructMember[]; bitfields: boolean }
  | { kind: "enum"; name: string; values: { name: string; value: number }[] }
  | { kind: "var"; name: string; type: number }
  | { kind: "datasec"; name: string; variables: number[] };

const kinds = { int: 1, pointer: 2, array: 3, struct: 4, union: 5, enum: 6, typedef: 8 } as const;
const kindVolatile = 9;
const kindConst = 10;
const kindFuncProto = 13;
const kindVar = 14;
const kindDatasec = 15;
const kindDeclTag = 17;
const kindEnum64 = 19;

function text(strings: Uint8Array, offset: number): string {
  return new TextDecoder().decode(strings.subarray(offset, strings.indexOf(0, offset)));
}

/** All types; a type's id is its index. @throws Error when this is no BTF */
export function parseBtf(btf: Uint8Array): BtfType[] {
  const view = new DataView(btf.buffer, btf.byteOffset, btf.byteLength);
  if (view.getUint16(0, true) !== 0xeb9f) throw new Error("not BTF");
  const header = view.getUint32(4, true);
  const end = header + view.getUint32(8, true) + view.getUint32(12, true);
  const strings = btf.subarray(header + view.getUint32(16, true));
  const types: BtfType[] = [{ kind: "other", name: "void", type: 0 }];
  let at = header + view.getUint32(8, true);
  while (at < end) {
    const name = text(strings, view.getUint32(at, true));
    const info = view.getUint32(at + 4, true);
    const last = view.getUint32(at + 8, true); // size or type
    const count = info & 0xffff;
    const kind = (info >>> 24) & 0x1f;
    const flag = info >>> 31 === 1;
    at += 12;
    if (kind === kinds.int) {
      types.push({ kind: "int", name, size: last, signed: ((view.getUint32(at, true) >>> 24) & 1) === 1 });
      at += 4;
    } else if (kind === kinds.array) {
      types.push({ kind: "array", type: view.getUint32(at, true), length: view.getUint32(at + 8, true) });
      at += 12;
    } else if (kind === kinds.struct || kind === kinds.union) {
      const members = Array.from({ length: count }, (_, i) => {
        const offset = view.getUint32(at + i * 12 + 8, true);
        return {
          name: text(strings, view.getUint32(at + i * 12, true)),
          type: view.getUint32(at + i * 12 + 4, true),
          offset: (flag ? offset & 0xffffff : offset) / 8,
        };
      });
      types.push({ kind: "struct", name, size: last, members, bitfields: flag });
      at += count * 12;
    } else if (kind === kinds.enum) {
      const values = Array.from({ length: count }, (_, i) => ({
        name: text(strings, view.getUint32(at + i * 8, true)),
        value: view.getInt32(at + i * 8 + 4, true),
      }));
      types.push({ kind: "enum", name, values });
      at += count * 8;
    } else if (kind === kindVar) {
      types.push({ kind: "var", name, type: last });
      at += 4;
    } else if (kind === kindDatasec) {
      const variables = Array.from({ length: count }, (_, i) => view.getUint32(at + i * 12, true));
      types.push({ kind: "datasec", name, variables });
      at += count * 12;
    } else {
      const simple = {
        [kinds.pointer]: "pointer",
        [kinds.typedef]: "typedef",
        [kindVolatile]: "volatile",
        [kindConst]: "const",
      } as const;
      types.push({ kind: simple[kind as keyof typeof simple] ?? "other", name, type: last });
      if (kind === kindFuncProto) at += count * 8;
      if (kind === kindDeclTag) at += 4;
      if (kind === kindEnum64) at += count * 12;
      if (kind > kindEnum64) throw new Error(`BTF kind ${kind} is new to this parser`);
    }
  }
  return types;
}
