/** Contents that people can read: UTF-8 without what only binary data has. */
import type { Contents } from "../event.ts";
import { escapeText } from "./escape.ts";
import { literal, type Output } from "./output.ts";
import { inPieces, type Writer } from "./pieces.ts";
import { decode, invalid } from "./utf8.ts";

const tab = 0x09;
const newline = 0x0a;
const backslash = 0x5c;
const carriageReturn = 0x0d;
const letterR = 0x72;
/** the longest beginning of a character that is cut */
const longestRest = 3;
const nothing = literal("");
const lineEnd = literal("\n");

/** Control characters of texts: bell, backspace, tab, newline, form feed, carriage return, escape. */
const texts = [0x07, 0x08, tab, newline, 0x0c, carriageReturn, 0x1b];
const isBinary = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 && !texts.includes(byte) ? 1 : 0,
);

/**
 * Whether contents are text.
 * @param mayBeCut whether characters may be cut at both ends, as those of a stream are
 */
export function isText({ bytes, start, length }: Contents, mayBeCut: boolean): boolean {
  const end = start + length;
  let at = start;
  if (mayBeCut) while (at < end && at < start + longestRest && (bytes[at]! & 0xc0) === 0x80) at++;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte < 0x80) {
      if (isBinary[byte] === 1) return false;
      at++;
      continue;
    }
    const character = decode(bytes, at, end);
    const width = character & 7;
    if (character >>> 3 === invalid) return mayBeCut && at + width === end && byte >= 0xc2 && byte <= 0xf4;
    at += width;
  }
  return true;
}

/** A row for each line, after one tab. Control characters are written out but for tabs, as `\x1b`; a CR is `\r`. */
export function textRows(contents: Contents, out: Output): void {
  const { bytes, start, length } = contents;
  const isEnded = length === 0 || bytes[start + length - 1] === newline;
  const write: Writer = (source, from, to) => rows(source, start, from, to, out);
  inPieces(contents, out, write, isEnded ? nothing : lineEnd);
}

/** The bytes `first` to `end` (exclusive) of a text that begins at `start`. */
function rows(bytes: Uint8Array, start: number, first: number, end: number, out: Output): void {
  let from = first;
  for (let at = first; at < end; at++) {
    if (at === from && (at === start || bytes[at - 1] === newline)) out.byte(tab);
    const byte = bytes[at]!;
    if (byte !== tab && byte !== carriageReturn && byte !== newline) continue;
    escapeText(bytes, from, at, out);
    if (byte === carriageReturn) {
      out.byte(backslash);
      out.byte(letterR);
    } else {
      out.byte(byte);
    }
    from = at + 1;
  }
  escapeText(bytes, from, end, out);
}
