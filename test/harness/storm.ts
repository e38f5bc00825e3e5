import { expect } from "bun:test";
import type { Trace } from "./trace.ts";
import type { Truth } from "./truth.ts";

/** As in test/programs/socket.h. */
const MESSAGES = 300;
const sizeOf = (pair: number, message: number) => 10 + ((message * 37 + pair) % 500);

/** Waits until all of a storm is printed, then looks for names, sizes and bytes that got mixed up. */
export async function expectStorm(trace: Trace, truth: Truth): Promise<void> {
  await trace.settle();
  const events = trace.carriedFor(truth);
  expect(events).toHaveLength(truth.carried.length * (1 + MESSAGES));
  for (const [pair, { src, dst, meta }] of truth.carried.entries()) {
    const [sender, receiver] = [truth.role(src), truth.role(dst)];
    // the first one was sent before the storm
    const own = events.filter((event) => event.meta.dst_inode === meta.dst_inode).slice(1);
    const ends = own.map((event) => `${event.src_pid} ${event.src_comm} ${event.dst_pid} ${event.dst_comm}`);
    expect(new Set(ends)).toEqual(new Set([`${sender.pid} ${sender.comm} ${receiver.pid} ${receiver.comm}`]));
    expect(own.map((event) => event.meta.count)).toEqual(
      Array.from({ length: MESSAGES }, (_, message) => sizeOf(pair, message)),
    );
    const tag = 65 + pair;
    for (const { bytes = "", meta } of own) {
      expect(meta).not.toHaveProperty("dst_guess");
      const contents = Buffer.from(bytes, "base64");
      if (contents.length !== meta.count || contents.some((byte) => byte !== tag)) {
        expect(contents.toString()).toBe(String.fromCharCode(tag).repeat(Number(meta.count)));
      }
    }
  }
}
