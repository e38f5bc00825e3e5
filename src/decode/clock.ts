/** Turns the kernel's boot-time nanoseconds into wall-clock time. */
import { whole } from "../../ffi/halves.ts";
import { CLOCK_BOOTTIME, CLOCK_REALTIME, clockGettime } from "../../ffi/libc.ts";
import type { Time } from "../event.ts";

const billion = 1e9;
/** two readings a drain apart differ by that much without anyone having set the clock */
const jitter = 20_000;
const attempts = 4;

export class Clock {
  #seconds = 0;
  #nanoseconds = 0;
  readonly #real: Time = { seconds: 0, nanoseconds: 0 };
  readonly #boot: Time = { seconds: 0, nanoseconds: 0 };

  /** @param ahead the lead of our time namespace's boot time over the kernel's */
  constructor(private readonly ahead: Readonly<Time>) {
    this.sample();
  }

  /**
   * Notices when the wall clock was set; to be called once a drain. Being preempted between the two
   * clocks looks the same, so what is new has to be found twice.
   */
  sample(): void {
    for (let i = 0; i < attempts; i++) {
      clockGettime(CLOCK_BOOTTIME, this.#boot);
      this.#boot.seconds -= this.ahead.seconds;
      this.#boot.nanoseconds -= this.ahead.nanoseconds;
      clockGettime(CLOCK_REALTIME, this.#real);
      const seconds = this.#real.seconds - this.#boot.seconds;
      const nanoseconds = this.#real.nanoseconds - this.#boot.nanoseconds;
      const drift = (seconds - this.#seconds) * billion + (nanoseconds - this.#nanoseconds);
      if (Math.abs(drift) <= jitter) return;
      this.#seconds = seconds;
      this.#nanoseconds = nanoseconds;
    }
  }

  /** The wall-clock time of an event: its CLOCK_BOOTTIME in two halves, exact for 580 years of uptime. */
  convert(low: number, high: number, into: Time): void {
    // 2^32 * 1000 ns = 4294 s + 967296000 ns, so that every product stays below 2^53
    const thousands = Math.floor(high / 1000);
    const rest = whole(low, high % 1000);
    const nanoseconds = thousands * 967_296_000 + rest + this.#nanoseconds;
    const carry = Math.floor(nanoseconds / billion);
    into.seconds = thousands * 4294 + carry + this.#seconds;
    into.nanoseconds = nanoseconds - carry * billion;
  }

  /** The kernel's boot time at the last sample. */
  get bootSeconds(): number {
    return this.#boot.seconds + this.#boot.nanoseconds / billion;
  }

  now(into: Time): void {
    clockGettime(CLOCK_REALTIME, into);
  }
}
