/** Whether a file can be mapped as the library that it says it is: the loader itself does not look, and crashes. */
const magic = 0x7f45_4c46;
const headerSize = 64;
const PT_LOAD = 1;
/** of the files' headers: a program header table is at `table`, each header has `offset` and `length` of its part */
const table = 32;
const entrySize = 54;
const entryCount = 56;
const offset = 8;
const length = 32;

/** What is wrong with the bytes of a 64-bit, little-endian ELF file; null when all its parts are there. */
export function damage(bytes: Uint8Array): string | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < headerSize || view.getUint32(0) !== magic) return "it is no ELF file";
  if (bytes[4] !== 2 || bytes[5] !== 1) return "it is not for this processor";
  const [first, size] = [Number(view.getBigUint64(table, true)), view.getUint16(entrySize, true)];
  for (let i = 0; i < view.getUint16(entryCount, true); i++) {
    const at = first + i * size;
    if (at + headerSize > bytes.length) return "it is cut short";
    if (view.getUint32(at, true) !== PT_LOAD) continue;
    const end = view.getBigUint64(at + offset, true) + view.getBigUint64(at + length, true);
    if (end > bytes.length) return "it is cut short";
  }
  return null;
}
