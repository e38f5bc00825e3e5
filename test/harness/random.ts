import { lines } from "./lines.ts";
import { programPath } from "./programs.ts";

/** One message, as test/programs/random.c says it was sent. */
export interface Message {
  sent: number;
  pid: number;
  comm: string;
  type: string;
  /** which of the seed's operations it was part of */
  operation: number;
  /** bytes */
  size: number;
  /** the one process that had the other end open, 0 when there were several, or none */
  alone: number;
  /** how many had; -1: it was on its way in a message, or may have been */
  holders: number;
  /** of the FIFO it went through, empty for none */
  path: string;
  /** CLOCK_BOOTTIME around the call, ns */
  begun: number;
  ended: number;
}

/** What a process received of a message by one call. */
export interface Taken {
  taken: number;
  offset: number;
  size: number;
  call: number;
  pid: number;
  comm: string;
  /** when that process began, if it lived for this only; else 0 */
  born: number;
  time: number;
}

/** What a process is called, from when on; those that live for one thing have no such line. */
export interface Named {
  named: number;
  comm: string;
  time: number;
}

/** What a run of random.c says it did. */
export class Played {
  salt = 0;
  readonly messages = new Map<number, Message>();
  readonly taken: Taken[] = [];
  /** by process, in their order */
  readonly names = new Map<number, Named[]>();

  learn(line: string): void {
    const value = JSON.parse(line);
    if (value.salt !== undefined) this.salt = value.salt;
    else if (value.sent !== undefined) this.messages.set(value.sent, value);
    else if (value.taken !== undefined) this.taken.push(value);
    else this.names.set(value.named, [...(this.names.get(value.named) ?? []), value]);
  }
}

/** Runs it to its end. Throws an Error with its words when it fails. */
export async function play(seed: number, operations: number): Promise<Played> {
  const player = Bun.spawn([await programPath("random"), `${seed}`, `${operations}`], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const words = new Response(player.stderr).text();
  const played = new Played();
  for await (const line of lines(player.stdout)) played.learn(line);
  const status = await player.exited;
  if (status !== 0) throw new Error(`random ${seed} ${operations} ended with ${status}: ${await words}`);
  return played;
}

/** bytes that say whose they are */
export const unit = 8;

/** What a unit of contents says: whose message, and where in it; null: it is none of this run's. */
export function unitAt(bytes: Uint8Array, at: number, salt: number): { id: number; offset: number } | null {
  if (at + unit > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, unit);
  if (view.getUint16(0, true) !== salt) return null;
  return {
    id: view.getUint16(2, true) | (view.getUint8(4) << 16),
    offset: unit * (view.getUint16(5, true) | (view.getUint8(7) << 16)),
  };
}
