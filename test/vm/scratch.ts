import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for as long as it is in scope, or until the process ends. */
export class Scratch implements Disposable {
  readonly #path = mkdtempSync(join(tmpdir(), "ipcdump-vm-"));
  readonly #remove = () => rmSync(this.#path, { recursive: true, force: true });

  constructor() {
    process.on("exit", this.#remove);
  }

  path(...parts: string[]): string {
    return join(this.#path, ...parts);
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#remove);
    this.#remove();
  }
}
