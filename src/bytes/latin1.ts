/** up to here a loop is cheaper than a Buffer */
const few = 40;

/** One character a byte; TextDecoder's latin1 is really windows-1252, which has others for 0x80 to 0x9f. */
export function latin1(bytes: Uint8Array, start = 0, end = bytes.length): string {
  if (end - start > few) {
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
  }
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}
