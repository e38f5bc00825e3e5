import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { expectCarried } from "../harness/carried.ts";
import { PATIENCE } from "../harness/condition.ts";
import { expectMoved } from "../harness/expect.ts";
import { FULL } from "../harness/full.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";
import { Trace, type TraceEvent } from "../harness/trace.ts";
import { Workload } from "../harness/workload.ts";

setDefaultTimeout(3 * PATIENCE);

/**
 * Ten times what the maps hold: 16,384 names, 65,536 sockets (for which an ordinary run has not the time), 8,192
 * pipes. Of processes that ended none is kept.
 */
const NAMES = 163_840;
const SOCKETS = FULL ? 655_360 : 131_072;
const PIPES = 81_920;
const ENDS = 40_000;
/** of a group, and how many of them are told of one datagram */
const MEMBERS = 40;
const KEPT = 32;

describe("more than the maps hold", () => {
  test("of processes: who was silent all the while has his name", async () => {
    using trace = await Trace.start("pipe,signal,unix-stream", "--ring", "64M");
    using workload = await Workload.staged("multitude", "names", `${NAMES}`);
    await trace.settle();
    for (let left = NAMES; left > 0; left -= 10_000) {
      await workload.proceed();
      await trace.settle();
    }
    await workload.proceed();
    expect(trace.lost).toEqual([]);
    await expectMoved(trace, workload.truth);
    await expectCarried(trace, workload.truth);
    await workload.finish();
    await trace.stop();
  });

  test.each([ENDS, 0])("of processes that ended (%d): none of them is named any more", async (ends) => {
    using trace = await Trace.start("unix-stream");
    using workload = await Workload.staged("multitude", "ends", `${ends}`);
    await trace.settle();
    await workload.proceed();
    await trace.settle();
    await workload.proceed();
    await expectCarried(trace, workload.truth);
    await workload.finish();
    await trace.stop();
  });

  test("of sockets: each event has its own two ends, and none is missing", async () => {
    const flags = [
      "-t",
      "unix-stream",
      "--backend",
      BACKEND,
      "--summary",
      "-f",
      "json",
      "-P",
      "crowd",
      "--ring",
      "64M",
    ];
    using ipcdump = await Ipcdump.tracing(flags);
    using workload = await Workload.staged("multitude", "sockets", `${SOCKETS}`);
    await workload.proceed();
    ipcdump.kill("SIGTERM");
    expect(await ipcdump.ended()).toBe(0);
    const rows = ipcdump.stdout
      .map((line) => JSON.parse(line))
      .filter(({ src_comm }) => src_comm === "crowd");
    expect(rows.length).toBe(Math.ceil(SOCKETS / 1000));
    for (const row of rows)
      expect(row).toMatchObject({ dst_pid: row.src_pid, dst_comm: "crowd", events: 500 });
  });

  test("of who receives one datagram: who is not told is counted", async () => {
    using trace = await Trace.start("loopback-udp");
    using workload = await Workload.staged("udp", "multicast_to_many");
    await trace.settle();
    const { carried } = workload.truth;
    const receiver = ({ dst_pid, meta }: TraceEvent) => `${dst_pid} ${meta.dst_inode}`;
    const told = trace.carriedFor(workload.truth).map(receiver).sort();
    const all = carried.map(({ dst, meta }) => `${workload.truth.role(dst).pid} ${meta.dst_inode}`).sort();
    expect(all.length).toBe(2 * MEMBERS);
    // each of the two datagrams to the same ones
    expect(told.length).toBe(2 * KEPT);
    expect(told.filter((one) => !all.includes(one))).toEqual([]);
    expect(new Set(told).size).toBe(KEPT);
    // each datagram's may be told by itself
    const lost = trace.lost.reduce((sum, { count }) => sum + count, 0);
    expect(lost).toBe(all.length - told.length);
    for (const line of trace.lost)
      expect(line).toMatchObject({ lost_type: "loopback-udp", reason: "map_full" });
    await trace.stop();
  });

  test("of pipes: what is not told is counted, and it ends with them", async () => {
    using trace = await Trace.start("pipe");
    using workload = await Workload.staged("multitude", "pipes", `${PIPES}`);
    await workload.proceed();
    const told = () => trace.events.filter(({ dst_comm }) => dst_comm === "crowd").length;
    const lost = () => trace.lost.reduce((sum, { count }) => sum + count, 0);
    // not by markers, for which there is no room yet
    while (told() + lost() < PIPES) await Bun.sleep(10);
    await workload.proceed();
    await expectMoved(trace, workload.truth);
    // others on this machine lose theirs as well
    expect(told() + lost()).toBeGreaterThanOrEqual(PIPES);
    expect(told()).toBeLessThanOrEqual(PIPES);
    // where the reader is quick, there is room again in time for all of them
    expect(trace.lost.filter(({ reason }) => reason !== "map_full")).toEqual([]);
    for (const { src_pid, dst_pid } of trace.events.filter(({ dst_comm }) => dst_comm === "crowd"))
      expect([dst_pid, -1]).toContain(src_pid);
    await workload.finish();
    await trace.stop();
  });
});
