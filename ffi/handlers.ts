/** Handlers of signals in native code (handlers.h): the last words when Bun can't go on, and who sent a SIGINT. */
import { dlopen, FFIType } from "bun:ffi";
import { constants } from "node:os";
import { NativeError } from "./error.ts";
import { lastErrno } from "./libc.ts";
import { handlersPart } from "./shared.ts";

const { i32, pointer } = FFIType;

const { symbols: c } = dlopen("libc.so.6", {
  sigaction: { args: [i32, pointer, pointer], returns: i32 }, // int sigaction(int, const struct sigaction *, struct sigaction *)
});

const SA_SIGINFO = 4;
const SA_ONSTACK = 0x0800_0000;
/** struct sigaction: handler, 128 bytes of mask, flags, restorer */
const actionSize = 152;
const flagsAt = 136;
/** struct handlers: three functions, a number, words */
const [faultAt, interruptAt, nextAt, interruptsAt, wordsAt] = [0, 8, 16, 24, 32];
const wordsSize = 256;
/** its terminal: a descriptor, the length of a text, that text, its state */
const terminalAt = wordsAt + 12 * wordsSize;
const [terminalTextAt, terminalStateAt] = [terminalAt + 8, terminalAt + 40];

const faults = ["SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGTRAP"] as const;
const shared = handlersPart === null ? null : new DataView(handlersPart);

/**
 * From now on a signal that Bun can't survive makes `words` the last line on stderr, and the status 1.
 * @param words by the signal's name, without the line's end
 * @throws NativeError
 */
export function sayLast(words: (signal: string) => string): void {
  if (shared === null) return;
  for (const name of faults) {
    const at = wordsAt + constants.signals[name] * wordsSize;
    const text = new TextEncoder().encode(`${words(name)}\n`);
    const room = new Uint8Array(shared.buffer, shared.byteOffset + at + 4, wordsSize - 4);
    if (text.length > room.length) throw new Error("last words are too many");
    room.set(text);
    shared.setUint32(at, text.length, true);
    act(name, handledBy(faultAt, new Uint8Array(actionSize), SA_ONSTACK), null);
  }
}

/**
 * Such a signal brings a terminal back to what it was, too.
 * @param text at most 32 bytes that are written to it; empty: there is none any more
 * @param state struct termios
 */
export function leaveTerminal(fd: number, text: Uint8Array, state: Uint8Array): void {
  if (shared === null) return;
  const part = (at: number, length: number) => new Uint8Array(shared.buffer, shared.byteOffset + at, length);
  // the length comes last: there is a terminal when all about it is there
  shared.setInt32(terminalAt, fd, true);
  part(terminalTextAt, 32).set(text);
  part(terminalStateAt, 64).set(state);
  shared.setUint32(terminalAt + 4, text.length, true);
}

/** Sets what is done about a signal, or asks for it with null. @throws NativeError */
function act(name: NodeJS.Signals, action: Uint8Array | null, old: Uint8Array | null): void {
  if (c.sigaction(constants.signals[name], action, old) < 0)
    throw new NativeError("handle", name, lastErrno());
}

/** The same action with another handler, one of handlers.h. */
function handledBy(handlerAt: number, action: Uint8Array, flags = 0): Uint8Array {
  const changed = action.slice();
  const view = new DataView(changed.buffer);
  view.setBigUint64(0, shared!.getBigUint64(handlerAt, true), true);
  view.setUint32(flagsAt, view.getUint32(flagsAt, true) | SA_SIGINFO | flags, true);
  return changed;
}

/** Knows of each SIGINT whether a key was pressed at a terminal, or somebody sent it. */
export class Interrupts {
  #seen = 0n;

  /** To be made when Bun has its own handler. @throws NativeError */
  constructor() {
    if (shared === null) return;
    const old = new Uint8Array(actionSize);
    act("SIGINT", null, old);
    // once the handler is ours it needs the next one at once
    shared.setBigUint64(nextAt, new DataView(old.buffer).getBigUint64(0, true), true);
    act("SIGINT", handledBy(interruptAt, old), null);
  }

  /** Whether somebody sent one since it was asked last. */
  wasSent(): boolean {
    const now = shared?.getBigUint64(interruptsAt, true) ?? 0n;
    const isNew = now !== this.#seen;
    this.#seen = now;
    return isNew;
  }
}
