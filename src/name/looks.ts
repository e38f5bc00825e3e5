/**
 * Who had an end open when an event for it came in, for ends that nobody is known to use: he may have passed it on, or be
 * gone, before the event's time is over. Asked once an event, and the less often the longer it takes.
 */
import type { End } from "../event.ts";
import { Remembered } from "./remembered.ts";

/** ends that are remembered */
const most = 4096;
/** how much longer than a look nobody is looked for after it */
const pause = 1;

interface Look {
  /** when the last event was sent for which that was asked (CLOCK_BOOTTIME, ns) */
  asked: number;
  /** and the last one for which somebody was found */
  found: number;
  pid: number;
  comm: Uint8Array | null;
}

export class Looks {
  readonly #looks = new Remembered<Look>(most);
  #begun = 0;
  #due = 0;

  /** Whether who has the end of that key is to be looked up, for what was sent then (CLOCK_BOOTTIME, ns); then `keep` it. */
  isDue(key: number, time: number): boolean {
    if ((this.#looks.get(key)?.asked ?? 0) >= time) return false;
    this.#begun = performance.now();
    return this.#begun >= this.#due;
  }

  /** Keeps who has it by that look; pid -1: nobody has. */
  keep(key: number, time: number, end: End): void {
    const now = performance.now();
    this.#due = now + (now - this.#begun) * pause;
    this.note(key, time, end);
  }

  /** The same of whoever was found otherwise: until the event is printed he may have passed it on. */
  note(key: number, time: number, { pid, comm }: End): void {
    const known = this.#looks.get(key);
    const asked = Math.max(time, known?.asked ?? 0);
    const isKnown = known !== undefined && (pid === -1 || known.found > time);
    this.#looks.set(key, isKnown ? { ...known, asked } : { asked, found: pid === -1 ? 0 : time, pid, comm });
  }

  /** Fills `end`, a guess, with who had it soon after that time; false: nobody was seen to have it. */
  recall(end: End, key: number, time: number): boolean {
    const look = this.#looks.get(key);
    if (look === undefined || look.found < time) return false;
    end.pid = look.pid;
    end.comm = look.comm;
    end.guess = true;
    return true;
  }
}
