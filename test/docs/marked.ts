/** Parts of our pages that are written by programs: they stand between `<!-- NAME -->` and `<!-- /NAME -->`. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

function parts(page: string, name: string): [before: string, marked: string, after: string] {
  const [open, close] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`];
  const text = readFileSync(join(root, page), "utf8");
  const [start, end] = [text.indexOf(open), text.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`${page} has no <!-- ${name} --> … <!-- /${name} -->`);
  return [text.slice(0, start + open.length), text.slice(start + open.length, end), text.slice(end)];
}

/** What a page has between its marks. @throws Error when it has none of that name */
export function marked(page: string, name: string): string {
  return parts(page, name)[1];
}

/** Puts a text between a page's marks. @throws Error when it has none of that name */
export function writeMarked(page: string, name: string, text: string): void {
  const [before, , after] = parts(page, name);
  writeFileSync(join(root, page), `${before}${text}${after}`);
}
