import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { expectCarried } from "../harness/carried.ts";
import { PATIENCE } from "../harness/condition.ts";
import { expectMoved } from "../harness/expect.ts";
import { Trace } from "../harness/trace.ts";
import type { Carried, Truth } from "../harness/truth.ts";
import { Workload } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

let trace: Trace;
let early: Workload;

beforeAll(async () => {
  early = await Workload.staged("sends", "mptcp_early");
  // all is received at once; a machine that has no time for it makes no guesses of it
  trace = await Trace.start(
    "pipe,unix-stream,unix-dgram,unix-seqpacket,loopback-tcp,loopback-udp",
    "--wait=5s",
  );
}, 2 * PATIENCE);

afterAll(async () => {
  early?.[Symbol.dispose]();
  await trace?.stop();
}, 2 * PATIENCE);

/** Before 6.3 the kernel does not tell of what sockets were given to send, and that is said. */
function isTold(): boolean {
  return !trace.notSeen("unix-stream").includes("aio");
}

/** A test that runs a workload and compares all its events. */
function carries(name: string, mode: string): void {
  test(name, async () => {
    using workload = await Workload.staged("sends", mode);
    if (isTold()) await expectCarried(trace, workload.truth);
    else expect(trace.notSeen("unix-dgram")).toContain("racing threads");
  });
}

/** With tracepoints such a request has no event, and what follows it to a unix socket may be a guess. */
function leaveOutRequests({ carried }: Truth): void {
  const isRequest = ({ how }: Carried) => how === "uring";
  const owed = carried
    .map((one, i) => {
      const isBehind = carried.slice(0, i).some((other) => other.type === one.type && isRequest(other));
      return isBehind && one.type !== "loopback-tcp" ? { ...one, guess: "may" as const } : one;
    })
    .filter((one) => !isRequest(one));
  carried.splice(0, carried.length, ...owed);
}

function always(name: string, mode: string): void {
  test(name, async () => {
    using workload = await Workload.staged("sends", mode);
    await expectCarried(trace, workload.truth);
  });
}

describe("sent by a call that could not write down how much", () => {
  carries("unix stream, by sendmmsg", "unwritable_stream");
  carries("unix datagram, by sendmmsg", "unwritable_dgram");
  carries("TCP, by sendmmsg", "unwritable_tcp");
  carries("UDP, by sendmmsg", "unwritable_udp");
  carries("unix stream, by sendfile", "unwritable_offset");

  test("pipe, by splice", async () => {
    using workload = await Workload.staged("sends", "unwritable_pipe");
    await expectMoved(trace, workload.truth);
  });
});

describe("sent", () => {
  test("by io_submit", async () => {
    using workload = await Workload.staged("sends", "aio");
    if (isTold()) await expectCarried(trace, workload.truth);
    await expectMoved(trace, workload.truth);
  });

  carries("from memory that the kernel overwrites with the count", "overwritten");
  carries("to filters that drop and that cut", "filtered");
  carries("as packets to filters that drop and that cut", "packets");
  carries("to two processes, one of which takes by io_submit", "taken_by_aio");
  always("to two processes that have one table of descriptors", "one_table");

  test("by io_uring that asks for no completion, between others", async () => {
    using workload = await Workload.staged("sends", "sent_silently");
    if (trace.backend("unix-stream") === "tracepoint") leaveOutRequests(workload.truth);
    await trace.untilCarried(workload.truth);
    await expectCarried(trace, workload.truth);
  });

  always("to two processes, one of which looks at it by io_uring", "peeked_by_ring");
  always("to two processes, one of which has no memory for it", "not_taken");
  always("to two processes, and taken when the connection is over", "taken_when_over");
  always("to two processes, one of which can't write down from whom it is", "taken_and_failed");
  carries("by a call that waits, while the socket is connected elsewhere", "reconnected");

  carries("as UDP_CORK is taken off, and to a UDP filter that cuts and drops", "uncorked");
  carries("from the address that was asked (IP_PKTINFO)", "answered");

  // as i386 programs do; whatever the kernel tells
  if (process.arch === "x64") always("by socketcall", "socketcall");
  always("by MPTCP", "mptcp");
  test("by MPTCP from before tracing, to who is gone at once", async () => {
    await early.proceed();
    await expectCarried(trace, early.truth);
  });
});

describe("at the end", () => {
  test("nothing was lost", async () => {
    await trace.stop();
    expect(trace.lost.filter(({ reason }) => reason !== "probe_missed")).toEqual([]);
  });
});
