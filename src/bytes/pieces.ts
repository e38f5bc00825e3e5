/** Texts that may be too long for one piece of output. */
import type { Contents } from "../event.ts";
import type { Literal, Output } from "./output.ts";

/** bytes at once of what is long: 6 MB of them when each is written out as `\u001b` */
export const slice = 1024 * 1024;
/** the longest rest of a character */
const longestRest = 3;

/** Writes the bytes `from` to `to` (exclusive) of `source`. */
export type Writer = (source: Uint8Array, from: number, to: number, out: Output) => void;

/** Has contents written, a text that is long piece by piece and no character of it cut, and `end` behind them. */
export function inPieces({ bytes, start, length }: Contents, out: Output, write: Writer, end: Literal): void {
  const stop = start + length;
  if (length <= slice) {
    write(bytes, start, stop, out);
    out.literal(end);
    return;
  }
  let from = start;
  out.pieces(() => {
    const to = from + slice < stop ? border(bytes, from + slice) : stop;
    write(bytes, from, to, out);
    from = to;
    if (from < stop) return true;
    out.literal(end);
    return false;
  });
}

/** The nearest place before or at `at` where no character of UTF-8 goes on. */
function border(bytes: Uint8Array, at: number): number {
  let to = at;
  while (to > at - longestRest && (bytes[to]! & 0xc0) === 0x80) to--;
  return to;
}
