/**
 * Bun's executable and the runtime it needs, made one file. The kernel gets one list of segments, the runtime's and
 * Bun's, and the runtime's entry point. Without PT_INTERP it looks for nothing in the file system. Bun's own
 * program headers stay where they are: the loader goes by those.
 */
import {
  Elf,
  ET_EXEC,
  type ProgramHeader,
  PT_GNU_STACK,
  PT_INTERP,
  PT_LOAD,
  programHeaderSize,
} from "../elf.ts";

/** Where the runtime goes: as low as a process may map (vm.mmap_min_addr), for Bun begins at 0x200000. */
const base = 0x10000;
const page = 4096;

/**
 * The bytes of the executable.
 * @throws Error when a new Bun is laid out in another way
 */
export function graft(bun: Uint8Array, runtime: Uint8Array): Uint8Array {
  const program = new Elf(bun);
  const segments = program.programHeaders.filter(({ type }) => type === PT_LOAD);
  const [first] = segments;
  if (program.type !== ET_EXEC || first === undefined || first.offset !== 0) {
    throw new Error("this Bun has no fixed address that begins with its ELF header: graft.ts can't place it");
  }
  if (!program.programHeaders.some(({ type }) => type === PT_INTERP)) {
    throw new Error("this Bun asks for no loader: is it linked statically by now?");
  }
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

/** Fills in `struct program` of start.c: where Bun is. */
function introduce(loader: Elf, program: Elf, address: number): void {
  const section = loader.section(".ipcdump.program");
  if (section?.length !== 24) throw new Error("the runtime has no room for where Bun is: see start.c");
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
