/** ELF64 files, little-endian: program headers, sections, and whether all parts are there. */

export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PT_NOTE = 4;
export const PT_PHDR = 6;
export const PT_GNU_STACK = 0x6474e551;
export const ET_EXEC = 2;

export const programHeaderSize = 56;
const magic = 0x7f454c46;
const fileHeaderSize = 64;
const sectionHeaderSize = 64;
/** places in the file's header */
const entryAt = 24;
const headersAt = 32;
const sectionsAt = 40;
const headerCountAt = 56;
const sectionCountAt = 60;
const sectionNamesAt = 62;

export interface ProgramHeader {
  type: number;
  flags: number;
  offset: number;
  address: number;
  fileSize: number;
  memorySize: number;
  align: number;
}

export class Elf {
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!isElf(bytes) || bytes[4] !== 2) throw new Error("not an ELF64 file");
  }

  /** ET_EXEC and the like */
  get type(): number {
    return this.#view.getUint16(16, true);
  }

  get entry(): number {
    return Number(this.#view.getBigUint64(entryAt, true));
  }

  set entry(address: number) {
    this.#view.setBigUint64(entryAt, BigInt(address), true);
  }

  /** Where the program headers are in the file. */
  get headersOffset(): number {
    return Number(this.#view.getBigUint64(headersAt, true));
  }

  get headerCount(): number {
    return this.#view.getUint16(headerCountAt, true);
  }

  get programHeaders(): ProgramHeader[] {
    const count = this.headerCount;
    return Array.from({ length: count }, (_, i) => this.#header(this.headersOffset + i * programHeaderSize));
  }

  /** Writes program headers to `offset`, and that they are there. */
  placeProgramHeaders(offset: number, headers: readonly ProgramHeader[]): void {
    for (const [i, header] of headers.entries()) {
      const at = offset + i * programHeaderSize;
      this.#view.setUint32(at, header.type, true);
      this.#view.setUint32(at + 4, header.flags, true);
      const { address, fileSize, memorySize, align } = header;
      for (const [j, word] of [header.offset, address, address, fileSize, memorySize, align].entries()) {
        this.#view.setBigUint64(at + 8 + j * 8, BigInt(word), true);
      }
    }
    this.#view.setBigUint64(headersAt, BigInt(offset), true);
    this.#view.setUint16(headerCountAt, headers.length, true);
  }

  /** The contents of a section, null without one of that name. */
  section(wanted: string): Uint8Array | null {
    const i = this.#find(wanted);
    return i === null ? null : this.#contents(i);
  }

  /** Where a section is in memory, as far as the file says; null without one of that name. */
  sectionAddress(wanted: string): number | null {
    const i = this.#find(wanted);
    return i === null ? null : Number(this.#view.getBigUint64(this.#sectionHeader(i) + 16, true));
  }

  #find(wanted: string): number | null {
    const names = this.#contents(this.#view.getUint16(sectionNamesAt, true));
    const count = this.#view.getUint16(sectionCountAt, true);
    for (let i = 0; i < count; i++) {
      const start = this.#view.getUint32(this.#sectionHeader(i), true);
      const name = names.subarray(start, names.indexOf(0, start));
      if (new TextDecoder().decode(name) === wanted) return i;
    }
    return null;
  }

  #sectionHeader(i: number): number {
    return Number(this.#view.getBigUint64(sectionsAt, true)) + i * sectionHeaderSize;
  }

  #contents(i: number): Uint8Array {
    const at = this.#sectionHeader(i);
    const start = Number(this.#view.getBigUint64(at + 24, true));
    return this.bytes.subarray(start, start + Number(this.#view.getBigUint64(at + 32, true)));
  }

  #header(at: number): ProgramHeader {
    const word = (offset: number) => Number(this.#view.getBigUint64(at + offset, true));
    return {
      type: this.#view.getUint32(at, true),
      flags: this.#view.getUint32(at + 4, true),
      offset: word(8),
      address: word(16),
      fileSize: word(32),
      memorySize: word(40),
      align: word(48),
    };
  }
}

function isElf(bytes: Uint8Array): boolean {
  return (
    bytes.length >= fileHeaderSize && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === magic
  );
}

/**
 * Why a library must not be loaded, null when it may. The loader does not look whether it is whole, and crashes.
 */
export function damage(bytes: Uint8Array): string | null {
  if (!isElf(bytes)) return "it is no ELF file";
  if (bytes[4] !== 2 || bytes[5] !== 1) return "it is not for this processor";
  const file = new Elf(bytes);
  if (file.headersOffset + file.headerCount * programHeaderSize > bytes.length) return "it is cut short";
  const isCut = file.programHeaders.some(
    ({ type, offset, fileSize }) => type === PT_LOAD && offset + fileSize > bytes.length,
  );
  return isCut ? "it is cut short" : null;
}
