/** Words for a shell: a line that somebody may paste. */
import { printable } from "./escape.ts";

/** A word as bash, and every shell for what can be seen, reads it back. */
export function quoted(word: Uint8Array | string): string {
  const shown = printable(word);
  if (/^[\w@%+=:,./-]+$/.test(shown)) return shown;
  const text = typeof word === "string" ? word : new TextDecoder().decode(word);
  if (shown.replaceAll("\\\\", "\\") === text) return `'${text.replaceAll("'", "'\\''")}'`;
  return `$'${shown.replaceAll("'", "\\'")}'`;
}
