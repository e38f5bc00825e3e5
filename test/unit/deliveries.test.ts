import { describe, expect, test } from "bun:test";
import { RecordType, UdpDeliveryRecord } from "../../src/layout.ts";
import { Deliveries, type Delivery, mayHaveSeveral, type Send } from "../../src/name/deliveries.ts";
import { blank } from "./tape.ts";

const home = "00000000000000000000ffff7f000001";

/** The send whose record lies at `time`, from there and to there as well if nothing else is said. */
function sent(count: number, time: number, other: Partial<Send> = {}): Send {
  return { net: 1, srcPort: 1000, address: home, port: 53, count, time, ...other };
}

/** A record of one that came `at` ns after boot, from port 1000 to port 53 of network 1 if nothing else is said. */
function came(
  deliveries: Deliveries,
  at: number,
  fields: Readonly<Record<string, number>>,
  address = home,
): void {
  const usual = { type: RecordType.RECORD_UDP_DELIVERY, net: 1, srcPort: 1000, dstPort: 53, dstInodeLow: 7 };
  const bytes = blank(UdpDeliveryRecord, { ...usual, timeLow: at, ...fields });
  bytes.set(Uint8Array.fromHex(address), UdpDeliveryRecord.dstAddress.offset);
  deliveries.add(new UdpDeliveryRecord(new Uint32Array(bytes.buffer)), bytes);
}

/** The receivers of a send that is told then. */
function take(deliveries: Deliveries, send: Send): Delivery[] {
  const receivers = deliveries.receivers(send);
  deliveries.done(send);
  return receivers;
}

const inodes = (found: readonly Delivery[]) => found.map(({ inode }) => inode);

describe("datagrams that came on another's time", () => {
  test("each is given out once, in their order", () => {
    const deliveries = new Deliveries();
    came(deliveries, 10, { length: 5, dstInodeLow: 7, dstTgid: 77, dstTag: 9 });
    came(deliveries, 20, { length: 5, dstInodeLow: 8, copyOf: 1 });
    const first = {
      time: 10,
      length: 5,
      srcPort: 1000,
      address: home,
      copyOf: 0,
      isFiltered: false,
      isGuess: false,
      inode: 7,
      tgid: 77,
      tag: 9,
    };
    expect(deliveries.claim(sent(5, 30))).toEqual([first]);
    expect([1, 2, 3].map(() => take(deliveries, sent(5, 30))).map(inodes)).toEqual([[7], [8], []]);
  });

  test("one that a send counts on is not another's", () => {
    const deliveries = new Deliveries();
    came(deliveries, 10, { length: 5 });
    expect([20, 30, 20].map((time) => deliveries.claim(sent(5, time)).length)).toEqual([1, 0, 1]);
    expect(take(deliveries, sent(5, 30))).toEqual([]);
    expect(inodes(take(deliveries, sent(5, 20)))).toEqual([7]);
  });

  test("only to who sent it: from that port, to that address, in that network, of that size", () => {
    const deliveries = new Deliveries();
    came(deliveries, 10, { length: 5 });
    for (const other of [{ net: 2 }, { srcPort: 1001 }, { port: 54 }, { address: home.replace("01", "02") }])
      expect(deliveries.claim(sent(5, 20, other))).toEqual([]);
    expect(deliveries.claim(sent(4, 20))).toEqual([]);
    expect(deliveries.claim(sent(5, 20))).toHaveLength(1);
  });

  test("one that was read before it could be looked at is anybody's who sent to that port", () => {
    const deliveries = new Deliveries();
    came(deliveries, 10, { srcPort: 0 }, "00".repeat(16));
    expect(deliveries.claim(sent(5, 20, { port: 54 }))).toEqual([]);
    expect(inodes(take(deliveries, sent(5, 20, { srcPort: 4 })))).toEqual([7]);
    expect(take(deliveries, sent(5, 20))).toEqual([]);
  });

  test("what was sent to another address is not its, where its receiver is bound to one", () => {
    const deliveries = new Deliveries();
    const other = home.replace(/01$/, "02");
    came(deliveries, 10, { srcPort: 0 }, other);
    expect(deliveries.claim(sent(5, 20))).toEqual([]);
    expect(deliveries.claim(sent(5, 20, { address: other }))).toHaveLength(1);
    const [any, anyFour] = ["00".repeat(16), `${home.slice(0, 24)}00000000`];
    for (const address of [any, anyFour]) {
      came(deliveries, 10, { srcPort: 0 }, address);
      expect(take(deliveries, sent(5, 20))).toHaveLength(1);
    }
  });

  test("a send that took one that was not looked at gives it back when its own comes", () => {
    const deliveries = new Deliveries();
    came(deliveries, 10, { srcPort: 0, dstInodeLow: 8 }, "00".repeat(16));
    expect(inodes(take(deliveries, sent(5, 20)))).toEqual([8]);
    expect(take(deliveries, sent(5, 30, { srcPort: 4 }))).toEqual([]);
    came(deliveries, 40, { length: 5 });
    expect(inodes(take(deliveries, sent(5, 30, { srcPort: 4 })))).toEqual([8]);
    // that was it: the next one is its sender's
    came(deliveries, 50, { length: 5 });
    expect(take(deliveries, sent(5, 60, { srcPort: 4 }))).toEqual([]);
    expect(inodes(take(deliveries, sent(5, 60)))).toEqual([7]);
  });

  test("what is taken in at once may be of seconds; what nobody took is forgotten after all was asked for", () => {
    const second = 1e9;
    const deliveries = new Deliveries();
    came(deliveries, 10, { length: 5 });
    came(deliveries, 3 * second, { length: 5, dstInodeLow: 8 });
    expect(inodes(take(deliveries, sent(5, 20)))).toEqual([7]);
    deliveries.sweep(4 * second);
    expect(take(deliveries, sent(5, 20))).toEqual([]);
    expect(deliveries.claim(sent(5, 3 * second))).toHaveLength(1);
    came(deliveries, 4 * second, { length: 5 });
    deliveries.sweep(7 * second);
    expect(deliveries.claim(sent(5, 4 * second + 1))).toEqual([]);
  });

  test("a send's own may come long after it", () => {
    const deliveries = new Deliveries();
    came(deliveries, 10, { srcPort: 0, dstInodeLow: 8 });
    expect(inodes(take(deliveries, sent(5, 20)))).toEqual([8]);
    came(deliveries, 5e8, { length: 5 });
    expect(inodes(take(deliveries, sent(5, 30, { srcPort: 4 })))).toEqual([8]);
    came(deliveries, 2e9, { length: 5 });
    expect(take(deliveries, sent(5, 40))).toEqual([]);
  });

  test("the exact size goes before another that fits", () => {
    const deliveries = new Deliveries();
    came(deliveries, 10, { length: 3, dstInodeLow: 1 });
    came(deliveries, 20, { length: 5, dstInodeLow: 2, copyOf: 1 });
    expect(inodes(take(deliveries, sent(5, 30)))).toEqual([2]);
    expect(inodes(take(deliveries, sent(3, 30)))).toEqual([1]);
  });

  test("pieces of one send are one", () => {
    const deliveries = new Deliveries();
    for (const length of [100, 100, 50, 7]) came(deliveries, 10, { length });
    expect(take(deliveries, sent(250, 20))).toHaveLength(1);
    expect(take(deliveries, sent(7, 20))).toHaveLength(1);
    expect(take(deliveries, sent(7, 20))).toEqual([]);
  });

  test("copies of one are for all who got it", () => {
    const deliveries = new Deliveries();
    for (const round of [1, 2])
      for (const dstInodeLow of [7, 8, 9]) came(deliveries, round, { length: 5, dstInodeLow, copyOf: round });
    expect([1, 2, 3].map(() => take(deliveries, sent(5, 20))).map(inodes)).toEqual([
      [7, 8, 9],
      [7, 8, 9],
      [],
    ]);
  });

  test("those of sends that wait at the same time are not mixed up", () => {
    const deliveries = new Deliveries();
    for (const round of [1, 2])
      for (const dstInodeLow of [7, 8, 9]) came(deliveries, round, { length: 5, dstInodeLow, copyOf: round });
    expect([20, 30].map((time) => deliveries.claim(sent(5, time)).length)).toEqual([3, 3]);
    expect([20, 30].map((time) => inodes(take(deliveries, sent(5, time))))).toEqual([
      [7, 8, 9],
      [7, 8, 9],
    ]);
  });

  test("of a group's, those that were read too early to be looked at are copies by their time", () => {
    const group = "00000000000000000000ffffef010203";
    for (const [address, expected] of [
      [group, [8, 7, 9]],
      [home, [8, 9]],
    ] as const) {
      const deliveries = new Deliveries();
      came(deliveries, 10, { srcPort: 0, dstInodeLow: 7 }, "00".repeat(16));
      came(deliveries, 20, { length: 5, dstInodeLow: 8, copyOf: 1 }, address);
      came(deliveries, 30, { length: 5, dstInodeLow: 9, copyOf: 1 }, address);
      came(deliveries, 3e8, { srcPort: 0, dstInodeLow: 10 }, "00".repeat(16));
      expect(inodes(take(deliveries, sent(5, 4e8, { address })))).toEqual([...expected]);
    }
  });

  test("addresses that several may get one datagram by", () => {
    const four = (hex: string) => `00000000000000000000ffff${hex}`;
    const several = [
      four("e0000001"),
      four("ef010203"),
      four("7fffffff"),
      four("ffffffff"),
      `ff02${"0".repeat(27)}1`,
    ];
    expect(several.map(mayHaveSeveral)).toEqual(several.map(() => true));
    const one = [
      four("7f000001"),
      four("0a0000fe"),
      four("dfffff00"),
      `${"0".repeat(31)}1`,
      `fe80${"0".repeat(26)}ff`,
    ];
    expect(one.map(mayHaveSeveral)).toEqual(one.map(() => false));
  });

  test("what nobody took in time is nobody's", () => {
    const deliveries = new Deliveries();
    came(deliveries, 10, { length: 5 });
    expect(deliveries.claim(sent(5, 2e9))).toEqual([]);
  });

  test("what is kept has bounds", () => {
    const deliveries = new Deliveries();
    for (let i = 0; i < 70_000; i++) came(deliveries, i, { length: 5, copyOf: i });
    let kept = 0;
    while (take(deliveries, sent(5, 70_000)).length > 0) kept++;
    expect(kept).toBe(65_536);
    for (let dstPort = 1; dstPort <= 5000; dstPort++) came(deliveries, 10, { length: 5, dstPort });
    const ports = Array.from({ length: 5000 }, (_, i) => deliveries.claim(sent(5, 20, { port: i + 1 })));
    expect(ports.filter((found) => found.length > 0)).toHaveLength(4096);
  });
});
