/** What formats write, as text, and contents for them. */
import { Output } from "../../src/bytes/output.ts";
import type { Contents } from "../../src/event.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text that is written into an output. */
export function taken(write: (out: Output) => void): string {
  const out = new Output(0);
  write(out);
  return decoder.decode(out.bytes.subarray(0, out.length));
}

/** Contents of an event, never at the start of their buffer: they are views into the ring. */
export function contents(bytes: Uint8Array | string): Contents {
  const plain = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
  const around = new Uint8Array(plain.length + 10).fill(0x58);
  around.set(plain, 7);
  return { bytes: around, start: 7, length: plain.length };
}
