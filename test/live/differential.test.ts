import { expect, setDefaultTimeout, test } from "bun:test";
import { expectCarried } from "../harness/carried.ts";
import { PATIENCE } from "../harness/condition.ts";
import { expectMoved, expectSent } from "../harness/expect.ts";
import { Trace, type TraceEvent } from "../harness/trace.ts";
import { Workload } from "../harness/workload.ts";

setDefaultTimeout(2 * PATIENCE);

/** What five rounds of mixed.c are, channel by channel: the same on every kernel and back end. */
const CHANNELS: Readonly<Record<string, readonly string[]>> = {
  a: [
    "ann > bob: hello",
    "ann > cyd: from ann ",
    "bob > cyd: and bob",
    "ann > bob: 7 bytes",
    "cyd > ann: spliced",
    "bob > cyd: one two three",
  ],
  b: ["bob > ann: spliced", "cyd > ann: 0123", "cyd > bob: 456789"],
  "bob > ann": ["SIGUSR1"],
  "cyd > cyd": ["SIGUSR1"],
  "ann > cyd": ["SIGUSR2 ignored"],
  "unix-stream ann > bob": ["a question", "one two three"],
  "unix-stream bob > ann": ["an answer"],
  "unix-dgram bob > cyd": ["", "one two three"],
  "unix-seqpacket cyd > ann": ["a packet"],
  "unix-seqpacket ann > cyd": ["another"],
  "loopback-tcp ann > bob": ["GET / HTTP/1.0"],
  "loopback-tcp bob > ann": ["200 OK"],
  "loopback-udp bob > cyd": ["ping"],
  "pty ann > cyd": ["$ "],
  "pty cyd > ann": ["exit\n"],
};
const ROUNDS = 5;

test("the same events from every back end and kernel", async () => {
  using trace = await Trace.start(
    "pipe,signal,unix-stream,unix-dgram,unix-seqpacket,loopback-tcp,loopback-udp,pty",
    "--wait=2s",
  );
  using workload = await Workload.staged("mixed");
  const { truth } = workload;
  await expectMoved(trace, truth);
  await expectSent(trace, truth);
  await expectCarried(trace, truth);
  expect(await trace.late()).toEqual([]);

  const labels = new Map([...truth.pipes].map(([label, { inode }]) => [inode, label]));
  const pids = [...truth.roles.values()].map((role) => role.pid);
  const channels: Record<string, string[]> = {};
  for (const event of [...trace.onPipes(labels.keys()), ...trace.signalsOf(pids)]) {
    const ends = `${event.src_comm} > ${event.dst_comm}`;
    const label = labels.get(Number(event.meta.pipe_inode));
    const channel = label ?? ends;
    channels[channel] ??= [];
    channels[channel].push(label === undefined ? signalText(event) : `${ends}: ${contentText(event)}`);
  }
  for (const event of trace.carriedFor(truth)) {
    const channel = `${event.type} ${event.src_comm} > ${event.dst_comm}`;
    channels[channel] ??= [];
    channels[channel].push(contentText(event));
  }
  const expected = Object.entries(CHANNELS).map(([channel, round]) => [
    channel,
    Array.from({ length: ROUNDS }, () => round).flat(),
  ]);
  expect(channels).toEqual(Object.fromEntries(expected));
});

function signalText({ meta }: TraceEvent): string {
  return [meta.name, meta.result ?? []].flat().join(" ");
}

/** Contents, but of a splice out of a pipe only how much: not every back end can read those. */
function contentText({ type, dst_comm, meta, bytes = "" }: TraceEvent): string {
  return type === "pipe" && meta.count === 7 && dst_comm === "bob"
    ? "7 bytes"
    : Buffer.from(bytes, "base64").toString();
}
