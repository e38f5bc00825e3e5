import { UsageError } from "../failure.ts";

/**
 * The words of a line as a shell would find them: spaces part them, quotes and backslashes keep them together; nothing
 * is expanded. @throws UsageError when a quote is left open
 */
export function words(line: string): string[] {
  const part = /\s+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)|(.)/gsy;
  const found: string[] = [];
  let word: string | null = null;
  for (const [all, single, double, escaped, plain, stray] of line.matchAll(part)) {
    if (stray !== undefined)
      throw new UsageError(`the capture filter has a ${stray} without an end: ${line}`);
    const text: string | undefined = single ?? double?.replace(/\\(["\\])/g, "$1") ?? escaped ?? plain;
    if (text !== undefined) word = (word ?? "") + text;
    else if (word !== null && all !== "") {
      found.push(word);
      word = null;
    }
  }
  return word === null ? found : [...found, word];
}
