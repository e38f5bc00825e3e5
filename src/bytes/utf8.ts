/** The result of `decode` for bytes that are no character; U+FFFD stands for it where text must be valid. */
export const invalid = 0x1f_ffff;

/**
 * The character at `at`, as (code point << 3 | bytes it takes): a number, because a pair would be allocated.
 * Malformed input gives `invalid` and the length of the longest start of a well-formed sequence. That is Unicode's
 * "maximal subpart", which TextDecoder replaces by one U+FFFD. at < end.
 */
export function decode(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at] as number;
  if (lead < 0x80) return (lead << 3) | 1;
  if (lead < 0xc2 || lead > 0xf4) return (invalid << 3) | 1;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // The second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF.
  let low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  let high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  let point = lead & (0x7f >> length);
  for (let i = 1; i < length; i++) {
    const next = at + i < end ? (bytes[at + i] as number) : 0;
    if (next < low || next > high) return (invalid << 3) | i;
    point = (point << 6) | (next & 0x3f);
    low = 0x80;
    high = 0xbf;
  }
  return (point << 3) | length;
}

/**
 * Characters that act on a terminal or on the reader's eye instead of showing. They are controls (Cc), separators
 * of lines and paragraphs (Zl, Zp) and format characters (Cf: zero-width, bidirectional overrides, tags). First and
 * last of each range; a unit test compares them with the engine's Unicode tables.
 */
const hiddenRanges = new Uint32Array([
  0x00, 0x1f, 0x7f, 0x9f, 0xad, 0xad, 0x600, 0x605, 0x61c, 0x61c, 0x6dd, 0x6dd, 0x70f, 0x70f, 0x890, 0x891,
  0x8e2, 0x8e2, 0x180e, 0x180e, 0x200b, 0x200f, 0x2028, 0x202e, 0x2060, 0x2064, 0x2066, 0x206f, 0xfeff,
  0xfeff, 0xfff9, 0xfffb, 0x110bd, 0x110bd, 0x110cd, 0x110cd, 0x13430, 0x1343f, 0x1bca0, 0x1bca3, 0x1d173,
  0x1d17a, 0xe0001, 0xe0001, 0xe0020, 0xe007f,
]);

/** Whether a code point must be escaped before a terminal sees it. */
export function isHidden(point: number): boolean {
  for (let i = 0; i < hiddenRanges.length; i += 2) {
    if (point < (hiddenRanges[i] as number)) return false;
    if (point <= (hiddenRanges[i + 1] as number)) return true;
  }
  return false;
}
