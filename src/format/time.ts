import { type Literal, literal, type Output } from "../bytes/output.ts";
import type { Time } from "../event.ts";

/** Zones change their offset at multiples of this at the earliest. */
const zoneSeconds = 15 * 60;

/** Local time in the system's zone (TZ, else /etc/localtime), its words made once a second. */
export class LocalTime {
  #second = Number.NaN;
  #zonePeriod = Number.NaN;
  #offset = 0;
  #date: Literal = literal("");
  #time: Literal = literal("");
  #zone: Literal = literal("");

  /** `12:34:56.123456789` */
  time(time: Time, out: Output): void {
    if (time.seconds !== this.#second) this.#turn(time.seconds);
    out.literal(this.#time);
    out.nine(time.nanoseconds);
  }

  /** RFC 3339: `2026-11-22T12:34:56.123456789+01:00` */
  timestamp(time: Time, out: Output): void {
    if (time.seconds !== this.#second) this.#turn(time.seconds);
    out.literal(this.#date);
    out.literal(this.#time);
    out.nine(time.nanoseconds);
    out.literal(this.#zone);
  }

  #turn(seconds: number): void {
    const period = Math.floor(seconds / zoneSeconds);
    if (period !== this.#zonePeriod) {
      this.#zonePeriod = period;
      this.#offset = -new Date(seconds * 1000).getTimezoneOffset();
      const minutes = Math.abs(this.#offset);
      const hour = String(Math.floor(minutes / 60)).padStart(2, "0");
      const minute = String(minutes % 60).padStart(2, "0");
      this.#zone = literal(`${this.#offset < 0 ? "-" : "+"}${hour}:${minute}`);
    }
    this.#second = seconds;
    const local = new Date((seconds + this.#offset * 60) * 1000).toISOString();
    this.#date = literal(local.slice(0, 11));
    this.#time = literal(`${local.slice(11, 19)}.`);
  }
}
