/**
 * Bun's executable and what begins before it (begin.h), made one file. Whose program headers Bun's loader sees stay where
 * they are: it goes by those.
 */
import {
  Elf,
  ET_EXEC,
  type ProgramHeader,
  PT_GNU_STACK,
  PT_INTERP,
  PT_LOAD,
  PT_NOTE,
  PT_PHDR,
  programHeaderSize,
} from "../elf.ts";

/** Where the runtime goes: as low as a process may map (vm.mmap_min_addr), for Bun begins at 0x200000. */
export const base = 0x10000;
const page = 4096;

/** as large as any processor's */
const largestPage = 0x10000;

/** Where `struct shared` of begin.h will be, of a program that has it at its own address or `from` behind that. */
export function sharedAt(program: Uint8Array, from: number): number {
  const address = new Elf(program).sectionAddress(".ipcdump.shared");
  if (address === null) throw new Error("there is nothing to share: see begin.h");
  return from + address;
}

/**
 * The bytes of dist/ipcdump: begin.c beside Bun, and the kernel told that it is the entry point. Its segments take the
 * place of program headers that nobody needs: where the headers are, and a note.
 * @throws Error when a new Bun is laid out in another way
 */
export function precede(bun: Uint8Array, begin: Uint8Array): Uint8Array {
  const [program, segments] = fixed(bun);
  const first = new Elf(begin.slice());
  introduce(first, program, 0);
  const kept = program.programHeaders.filter(({ type }) => type !== PT_PHDR && type !== PT_NOTE);
  const end = Math.max(...segments.map(({ address, memorySize }) => address + memorySize));
  const at = Math.ceil(bun.length / largestPage) * largestPage;
  const added = first.programHeaders
    .filter(({ type }) => type === PT_LOAD)
    .map((part) => ({ ...part, offset: at + part.offset }));
  if (kept.length + added.length > program.headerCount)
    throw new Error("this Bun has no program headers to spare: graft.ts can't add any");
  if (end > added[0]!.address) throw new Error(`Bun ends at ${end}, behind where begin.c is`);
  const whole = new Uint8Array(at + begin.length);
  whole.set(bun);
  whole.set(first.bytes, at);
  const made = new Elf(whole);
  made.placeProgramHeaders(program.headersOffset, [...kept, ...added]);
  made.entry = first.entry;
  return whole;
}

/** Bun's program and its segments. @throws Error when they are not where they have to be */
function fixed(bun: Uint8Array): [program: Elf, segments: ProgramHeader[]] {
  const program = new Elf(bun);
  const segments = program.programHeaders.filter(({ type }) => type === PT_LOAD);
  const [first] = segments;
  if (program.type !== ET_EXEC || first === undefined || first.offset !== 0) {
    throw new Error("this Bun has no fixed address that begins with its ELF header: graft.ts can't place it");
  }
  if (!program.programHeaders.some(({ type }) => type === PT_INTERP)) {
    throw new Error("this Bun asks for no loader: is it linked statically by now?");
  }
  return [program, segments];
}

/**
 * The bytes of dist/ipcdump-static: the kernel gets one list of segments, the runtime's and Bun's, and the runtime's
 * entry point. Without PT_INTERP it looks for nothing in the file system.
 * @throws Error when a new Bun is laid out in another way
 */
export function graft(bun: Uint8Array, runtime: Uint8Array): Uint8Array {
  const [program, segments] = fixed(bun);
  const first = segments[0]!;
  const loader = new Elf(runtime.slice());
  introduce(loader, program, first.address);
  const parts = loader.programHeaders.filter(({ type }) => type === PT_LOAD);
  const image = inMemory(loader, parts);
  if (base + image.length > first.address) {
    throw new Error(`the runtime takes ${image.length} bytes; below Bun are only ${first.address - base}`);
  }

  const imageAt = Math.ceil(bun.length / page) * page;
  const headersAt = imageAt + image.length;
  const headers: ProgramHeader[] = [
    ...parts.map((part) => ({
      ...part,
      offset: imageAt + part.address,
      address: base + part.address,
      fileSize: part.memorySize,
    })),
    ...segments,
    ...program.programHeaders.filter(({ type }) => type === PT_GNU_STACK),
  ];
  const whole = new Uint8Array(headersAt + headers.length * programHeaderSize);
  whole.set(bun);
  whole.set(image, imageAt);
  const made = new Elf(whole);
  made.placeProgramHeaders(headersAt, headers);
  made.entry = base + loader.entry;
  return whole;
}

/** Fills in `struct program` of begin.h: where Bun is. */
function introduce(loader: Elf, program: Elf, address: number): void {
  const section = loader.section(".ipcdump.program");
  if (section?.length !== 24) throw new Error("the runtime has no room for where Bun is: see begin.h");
  const words = new DataView(section.buffer, section.byteOffset, section.length);
  words.setBigUint64(0, BigInt(program.entry), true);
  words.setBigUint64(8, BigInt(address + program.headersOffset), true);
  words.setBigUint64(16, BigInt(program.programHeaders.length), true);
}

/** Whole pages, as they are in memory, zeroes too: the kernel has only to map them. */
function inMemory({ bytes }: Elf, parts: readonly ProgramHeader[]): Uint8Array {
  const end = Math.max(...parts.map(({ address, memorySize }) => address + memorySize));
  const image = new Uint8Array(Math.ceil(end / page) * page);
  for (const { address, offset, fileSize } of parts)
    image.set(bytes.subarray(offset, offset + fileSize), address);
  return image;
}
