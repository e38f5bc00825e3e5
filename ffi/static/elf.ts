/** ELF64 program headers, little-endian: what graft.ts moves about. */

export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PT_GNU_STACK = 0x6474e551;
export const ET_EXEC = 2;

export const programHeaderSize = 56;
const entryAt = 24;
const headersAt = 32;
const headerCountAt = 56;

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
    if (this.#view.getUint32(0) !== 0x7f454c46 || bytes[4] !== 2) throw new Error("not an ELF64 file");
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

  get programHeaders(): ProgramHeader[] {
    const count = this.#view.getUint16(headerCountAt, true);
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
