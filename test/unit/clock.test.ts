import { expect, test } from "bun:test";
import { CLOCK_BOOTTIME, clockGettime } from "../../ffi/libc.ts";
import { Clock } from "../../src/decode/clock.ts";
import type { Time } from "../../src/event.ts";
import { bootTimeLead } from "../../src/proc/timens.ts";

const billion = 1_000_000_000n;
const half = 1n << 32n;

function convert(clock: Clock, boot: bigint): Time {
  const time = { seconds: 0, nanoseconds: 0 };
  clock.convert(Number(boot % half), Number(boot / half), time);
  return time;
}

function whole({ seconds, nanoseconds }: Time): bigint {
  return BigInt(seconds) * billion + BigInt(nanoseconds);
}

test("exact to the nanosecond, whatever the uptime", () => {
  const clock = new Clock(bootTimeLead());
  const offset = whole(convert(clock, 0n));
  const extremes = [0n, 1n, billion, half, 1000n * half, 1n << 53n, 1n << 63n, 1n << 64n].flatMap((edge) =>
    Array.from({ length: 2001 }, (_, i) => edge + BigInt(i - 1000)),
  );
  const anything = [...crypto.getRandomValues(new BigUint64Array(5000))];
  for (const boot of [...extremes, ...anything].filter((ns) => ns >= 0n && ns < 1n << 64n)) {
    const time = convert(clock, boot);
    if (whole(time) !== boot + offset) expect([boot, whole(time)]).toEqual([boot, boot + offset]);
    expect(time.nanoseconds >= 0 && time.nanoseconds < 1e9).toBe(true);
  }
});

test("the boot time of now is the wall clock's now", () => {
  const clock = new Clock(bootTimeLead());
  const now = (): bigint => {
    const time = { seconds: 0, nanoseconds: 0 };
    clock.now(time);
    return whole(time);
  };
  const boot = { seconds: 0, nanoseconds: 0 };
  // however long it is held up in between
  const before = now();
  clockGettime(CLOCK_BOOTTIME, boot);
  const after = now();
  const converted = whole(convert(clock, whole(boot)));
  expect(Number(converted - before)).toBeGreaterThan(-1_000_000);
  expect(Number(after - converted)).toBeGreaterThan(-1_000_000);
});

test("looking at the clock again moves nothing while nobody sets it", () => {
  const clock = new Clock(bootTimeLead());
  const before = whole(convert(clock, 0n));
  for (let i = 0; i < 1000; i++) clock.sample();
  const after = whole(convert(clock, 0n));
  // an offset that is kept within its jitter does not wander
  expect(Number(after - before)).toBeWithin(-1_000_000, 1_000_000);
});
