/** The controlling terminal as a full screen, read key by key. Disposed, or at our exit whatever its cause, it is as it was. */
import { dlopen, FFIType } from "bun:ffi";
import { NativeError } from "./error.ts";
import { leaveTerminal } from "./handlers.ts";
import { close, lastErrno, O, open, write } from "./libc.ts";

const { i32, i64_fast: long, pointer, u64_fast: size } = FFIType;

const { symbols: c } = dlopen("libc.so.6", {
  tcgetattr: { args: [i32, pointer], returns: i32 }, // int tcgetattr(int, struct termios *)
  tcsetattr: { args: [i32, i32, pointer], returns: i32 }, // int tcsetattr(int, int, const struct termios *)
  ioctl: { args: [i32, i32, pointer], returns: i32 }, // int ioctl(int, unsigned long, ...)
  read: { args: [i32, pointer, size], returns: long }, // ssize_t read(int, void *, size_t)
});

/** words of struct termios, and a little more */
const termiosWords = 16;
const localFlags = 3;
const canonical = 2;
const echo = 8;
const TCSANOW = 0;
const TIOCGWINSZ = 0x5413;
const encoder = new TextEncoder();
/** the other screen, and no cursor; and back */
const enter = encoder.encode("\x1b[?1049h\x1b[?25l");
const leave = encoder.encode("\x1b[?25h\x1b[?1049l");

export class Keyboard implements Disposable {
  /** readable when there are keys */
  readonly fd: number;
  readonly #before = new Uint32Array(termiosWords);
  readonly #keys = new Uint8Array(256);
  readonly #size = new Uint16Array(4);
  #isOurs = false;

  /** @throws NativeError where there is none */
  constructor() {
    this.fd = open("/dev/tty", O.RDWR | O.NONBLOCK | O.NOCTTY);
    if (this.fd < 0) throw new NativeError("open", "the terminal, /dev/tty", this.fd);
    if (c.tcgetattr(this.fd, this.#before) < 0) throw new NativeError("ask", "the terminal", lastErrno());
    const now = this.#before.slice();
    now[localFlags]! &= ~(canonical | echo);
    if (c.tcsetattr(this.fd, TCSANOW, now) < 0) throw new NativeError("set", "the terminal", lastErrno());
    this.#isOurs = true;
    write(this.fd, enter);
    leaveTerminal(this.fd, leave, new Uint8Array(this.#before.buffer));
    process.on("exit", this.#restore);
  }

  /** The keys pressed since, as the terminal sends them; "" for none. */
  keys(): string {
    const n = Number(c.read(this.fd, this.#keys, this.#keys.length));
    return n <= 0 ? "" : new TextDecoder().decode(this.#keys.subarray(0, n));
  }

  /** Rows and columns; 24 and 80 where the terminal does not say. */
  size(): { rows: number; columns: number } {
    const isKnown = c.ioctl(this.fd, TIOCGWINSZ, this.#size) === 0;
    const [rows = 0, columns = 0] = isKnown ? this.#size : [];
    return { rows: rows || 24, columns: columns || 80 };
  }

  readonly #restore = (): void => {
    if (!this.#isOurs) return;
    this.#isOurs = false;
    leaveTerminal(-1, new Uint8Array(0), new Uint8Array(0));
    write(this.fd, leave);
    c.tcsetattr(this.fd, TCSANOW, this.#before);
    close(this.fd);
  };

  [Symbol.dispose](): void {
    process.off("exit", this.#restore);
    this.#restore();
  }
}
