/** The instructions of a linked BPF object: its functions, whom they call, and what is at addresses they load. */
import { parseBtf } from "../../ffi/bundle/btf.ts";

const SHT_RELA = 9;
const STT_SECTION = 3;
const STT_FUNC = 2;
const R_SIZE = 16;
const SYMBOL_SIZE = 24;
const BPF_CALL = 0x85;
const BPF_PSEUDO_CALL = 1;
const BPF_CORE_TYPE_EXISTS = 8;
const BPF_CORE_FIELD_EXISTS = 2;
const BPF_CORE_ENUMVAL_EXISTS = 10;

export interface Instruction {
  code: number;
  to: number;
  from: number;
  offset: number;
  immediate: number;
  /** of a call of ours: its name */
  callee: string | null;
  /** of a load of an address: of what, null where that is no symbol's */
  symbol: string | null;
  /** it is whether the kernel has something: a type of this name, or "" */
  asks: string | null;
}

export interface Code {
  /** in .text there are only functions */
  isProgram: boolean;
  instructions: Instruction[];
}

interface Symbol {
  name: string;
  type: number;
  section: number;
  value: number;
  size: number;
}

/** All functions and programs of an object, by their names. */
export function functionsOf(bytes: Uint8Array): Map<string, Code> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at: number) => Number(view.getBigUint64(at, true));
  const text = (at: number) => new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));
  const headers = Array.from({ length: view.getUint16(0x3c, true) }, (_, i) => {
    const at = word(0x28) + i * 64;
    const [name, type] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    const [link, info] = [view.getUint32(at + 40, true), view.getUint32(at + 44, true)];
    return { name, type, link, info, start: word(at + 24), size: word(at + 32) };
  });
  const names = headers[view.getUint16(0x3e, true)]!.start;
  const sections = headers.map((header) => ({ ...header, name: text(names + header.name) }));
  const named = (name: string) => sections.find((section) => section.name === name)!;

  const table = named(".symtab");
  const symbols = Array.from({ length: table.size / SYMBOL_SIZE }, (_, i): Symbol => {
    const at = table.start + i * SYMBOL_SIZE;
    return {
      name: text(sections[table.link]!.start + view.getUint32(at, true)),
      type: bytes[at + 4]! & 15,
      section: view.getUint16(at + 6, true),
      value: word(at + 8),
      size: word(at + 16),
    };
  });
  const functions = symbols.filter(({ type, section }) => type === STT_FUNC && section !== 0);
  const place = (section: number, at: number) => `${section}:${at}`;
  const byPlace = new Map(functions.map((found) => [place(found.section, found.value), nameOf(found)]));
  const relocations = new Map<string, Symbol>();
  for (const { type, start, size, info } of sections.filter((section) => section.type === SHT_RELA))
    for (let at = start; type === SHT_RELA && at < start + size; at += R_SIZE)
      relocations.set(place(info, word(at)), symbols[view.getUint32(at + 12, true)]!);

  const questions = questionsOf();
  return new Map(functions.map((found) => [nameOf(found), codeOf(found)]));

  /** Functions of one name that are not global are of several files. */
  function nameOf({ name, section, value }: Symbol): string {
    const isOne = functions.filter((other) => other.name === name).length === 1;
    return isOne ? name : `${name} at ${place(section, value)}`;
  }

  function codeOf({ section, value, size }: Symbol): Code {
    const { name, start } = sections[section]!;
    const instructions = Array.from({ length: size / 8 }, (_, i): Instruction => {
      const at = start + value + i * 8;
      const [code, registers] = [bytes[at]!, bytes[at + 1]!];
      const immediate = view.getInt32(at + 4, true);
      const symbol = relocations.get(place(section, value + i * 8));
      const asks = questions.get(place(section, value + i * 8)) ?? null;
      const instruction = {
        code,
        to: registers & 15,
        from: registers >> 4,
        offset: view.getInt16(at + 2, true),
      };
      const isCall = code === BPF_CALL && instruction.from === BPF_PSEUDO_CALL && symbol?.section !== 0;
      const target =
        symbol === undefined
          ? place(section, value + (i + 1 + immediate) * 8)
          : place(symbol.section, symbol.type === STT_SECTION ? (immediate + 1) * 8 : symbol.value);
      const callee = isCall ? (byPlace.get(target) ?? null) : null;
      return { ...instruction, immediate, callee, symbol: isCall ? null : (symbol?.name ?? null), asks };
    });
    return { isProgram: name !== ".text", instructions };
  }

  /** Where the kernel's own types decide, by the instructions' places. */
  function questionsOf(): Map<string, string> {
    const found = new Map<string, string>();
    const btf = named(".BTF");
    const types = parseBtf(bytes.subarray(btf.start, btf.start + btf.size));
    const strings = btf.start + view.getUint32(btf.start + 4, true) + view.getUint32(btf.start + 16, true);
    const { start } = named(".BTF.ext");
    let at = start + view.getUint32(start + 4, true) + view.getUint32(start + 24, true);
    const end = at + view.getUint32(start + 28, true);
    const size = view.getUint32(at, true);
    at += 4;
    while (at < end) {
      const name = text(strings + view.getUint32(at, true));
      const section = sections.findIndex((other) => other.name === name);
      const count = view.getUint32(at + 4, true);
      at += 8;
      for (let i = 0; i < count; i++, at += size) {
        const kind = view.getUint32(at + 12, true);
        if (![BPF_CORE_TYPE_EXISTS, BPF_CORE_FIELD_EXISTS, BPF_CORE_ENUMVAL_EXISTS].includes(kind)) continue;
        const type = types[view.getUint32(at + 4, true)]!;
        const asked = kind === BPF_CORE_TYPE_EXISTS && type.kind === "struct" ? type.name : "";
        found.set(place(section, view.getUint32(at, true)), asked);
      }
    }
    return found;
  }
}
