/** Paths as the kernel side sends them. */

const slash = 0x2f;
const root = Uint8Array.of(slash);
export const unknownPath = new TextEncoder().encode("<unknown>");
/** what a path begins with whose beginning is missing */
const ellipsis = new TextEncoder().encode("…");

/** "c\0b\0a\0" → "/a/b/c", or "…/a/b/c"; what no NUL ends is left out */
export function joinPath(components: Uint8Array, isCut: boolean): Uint8Array {
  if (components.length === 0) return isCut ? unknownPath : root;
  const path = new Uint8Array(components.length + ellipsis.length);
  let at = path.length;
  for (let start = 0; start < components.length; ) {
    const end = components.indexOf(0, start);
    if (end < 0) break;
    at -= end - start + 1;
    path[at] = slash;
    path.set(components.subarray(start, end), at + 1);
    start = end + 1;
  }
  if (isCut) {
    at -= ellipsis.length;
    path.set(ellipsis, at);
  }
  return path.subarray(at);
}
