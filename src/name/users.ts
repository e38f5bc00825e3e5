/** Names of users, from /etc/passwd alone: asking NSS may mean asking a network. */
import { statSync } from "node:fs";
import { read } from "../proc/files.ts";

const file = "/etc/passwd";
/** ms after which it is looked at again whether the file is another one */
const freshness = 1000;

export class Users {
  #names = new Map<number, string>();
  #uids = new Map<string, number>();
  #changed = -1;
  #due = 0;

  constructor(private readonly path = file) {}

  /** null where the file has none. */
  nameOf(uid: number): string | null {
    this.#refresh();
    return this.#names.get(uid) ?? null;
  }

  /** The uid of a name, null where the file has none. */
  uidOf(name: string): number | null {
    this.#refresh();
    return this.#uids.get(name) ?? null;
  }

  #refresh(): void {
    const now = performance.now();
    if (now < this.#due) return;
    this.#due = now + freshness;
    const changed = changeOf(this.path);
    if (changed === this.#changed) return;
    this.#changed = changed;
    this.#names = new Map();
    this.#uids = new Map();
    for (const line of read(this.path).split("\n")) {
      const [name, , uid] = line.split(":");
      if (name === undefined || uid === undefined || !/^\d+$/.test(uid)) continue;
      // the first of several is the one that the system goes by
      if (!this.#names.has(Number(uid))) this.#names.set(Number(uid), name);
      if (!this.#uids.has(name)) this.#uids.set(name, Number(uid));
    }
  }
}

function changeOf(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0; // a container without one
  }
}
