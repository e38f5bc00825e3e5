/** What a file was made from, in a stamp beside it. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Whether `target` was made from just these inputs; its stamp lies beside it. */
export function isCurrent(target: string, key: string): boolean {
  const stamp = `${target}.key`;
  return existsSync(target) && existsSync(stamp) && readFileSync(stamp, "utf8") === key;
}

/** Puts what was made in the room into its place. The stamp goes first and comes last: without one nothing counts. */
export function place(room: string, made: string, target: string, key: string): void {
  const stamp = join(room, "key");
  writeFileSync(stamp, key);
  rmSync(`${target}.key`, { force: true });
  renameSync(made, target);
  renameSync(stamp, `${target}.key`);
}

/** The key of these files and words. */
export function keyOf(files: readonly string[], ...more: string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(file).update(readFileSync(file));
  return hash.update(JSON.stringify(more)).digest("hex");
}
