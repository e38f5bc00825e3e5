/** Whether a name or path has the same bytes as the first `length` of another. */
export function same(a: Uint8Array, b: Uint8Array, length = b.length): boolean {
  if (a.length !== length) return false;
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}
