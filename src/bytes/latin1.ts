/** One character a byte; TextDecoder's latin1 is really windows-1252, which has others for 0x80 to 0x9f. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
