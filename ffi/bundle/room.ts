import { randomUUID } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { Lock } from "./lock.ts";

/** What rooms are called; builds of 0.1 called theirs by process numbers. A kernel series, `6.12`, is none. */
const roomName = /^partial\.|[^.]{5,}\.\d+$/;

/**
 * A folder to make things in, beside their place, until they are whole and renamed. Only the holder of the lock of
 * `parent` has a room there, so all others that are found belong to builds that were killed, and are removed. A room's
 * name is new each time: what a killed build left running writes into the old one, and into nothing once that is gone.
 */
export class Room implements Disposable {
  readonly path: string;

  constructor(parent: string) {
    clear(parent);
    this.path = join(parent, `partial.${randomUUID()}`);
    mkdirSync(this.path);
  }

  [Symbol.dispose](): void {
    remove(this.path);
  }
}

/**
 * `goal`, a file or a folder, which `make` makes in a room when it is not there: it returns the path of what it made.
 * Of several processes that want the same goal one makes it and the others wait.
 */
export async function made(
  goal: string,
  make: (room: string) => Promise<string>,
  isThere: () => boolean = () => existsSync(goal),
): Promise<string> {
  if (isThere()) return goal;
  const parent = dirname(goal);
  using _lock = await Lock.of(parent);
  if (isThere()) return goal;
  using room = new Room(parent);
  const whole = await make(room.path);
  // a file is replaced in one step, a folder can't be
  if (statSync(goal, { throwIfNoEntry: false })?.isDirectory())
    rmSync(goal, { recursive: true, force: true });
  renameSync(whole, goal);
  return goal;
}

/** Writes a file, whole or not at all, unless it says that already. */
export async function written(path: string, text: string): Promise<void> {
  const says = () => existsSync(path) && readFileSync(path, "utf8") === text;
  const make = async (room: string): Promise<string> => {
    const part = join(room, basename(path));
    writeFileSync(part, text, { mode: 0o600 });
    return part;
  };
  await made(path, make, says);
}

/** Removes the rooms of killed builds below a folder and in it, but for folders that somebody works in. */
export function clearBelow(folder: string): void {
  for (const parent of [folder, ...foldersIn(folder)]) {
    if (!readdirSync(parent).some((name) => roomName.test(name))) continue;
    using lock = Lock.tryOf(parent);
    if (lock !== undefined) clear(parent);
  }
}

function clear(parent: string): void {
  for (const name of readdirSync(parent)) if (roomName.test(name)) remove(join(parent, name));
}

/** A compiler that a killed build left running may still write there: then the rest goes the next time. */
function remove(room: string): void {
  try {
    rmSync(room, { recursive: true, force: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTEMPTY" && code !== "ENOENT") throw error;
  }
}

function foldersIn(parent: string): string[] {
  return readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(parent, name));
}
