import { expect, test } from "bun:test";
import { Output } from "../../src/bytes/output.ts";
import type { DrawingName } from "../../src/command/drawings.ts";
import { type End, type Event, type Kind, key } from "../../src/event.ts";
import { TrafficMap } from "../../src/map/traffic.ts";
// they say which names of meta are places
import "../../src/kinds/index.ts";

const encoder = new TextEncoder();
const time = { seconds: 1_764_000_000, nanoseconds: 0 };

function end(pid: number, comm: string | null, guess = false): End {
  return { pid, comm: comm === null ? null : encoder.encode(comm), guess };
}

function event(kind: Kind, src: End, dst: End, count: number, path = "<anonymous>"): Event {
  const meta: Event["meta"] = (out) =>
    out.text(key(kind === "pipe" ? "pipe_name" : "path", "text"), encoder.encode(path));
  return { kind, time, src, dst, meta, countLow: count, countHigh: 0, contents: null };
}

/** What is drawn of a shell that asks an agent, whose bytes a cat gets, and of a reader that nobody knows. */
function drawn(name: DrawingName, ...times: number[]): string[] {
  const map = new TrafficMap(name);
  const out = new Output(64);
  map.header();
  map.event(event("unix-stream", end(12, "sh"), end(345, 'a"\x1b'), 5, "/run/agent"));
  map.event(event("unix-stream", end(12, "bash"), end(345, 'a"\x1b', true), 6, "/run/agent"));
  map.event(event("unix-stream", end(345, 'a"\x1b'), end(12, "bash"), 100, "/run/agent"));
  map.event(event("pipe", end(12, "bash"), end(7, "cat"), 1));
  map.event(event("pipe", end(7, "cat"), end(-1, null), 2));
  map.event(event("pipe", end(7, "cat"), end(7, "cat"), 3));
  const answer = event("unix-stream", end(345, 'a"\x1b'), end(12, "bash"), 100, "/run/agent");
  for (const latency of times)
    map.message({
      said: { kind: "response" },
      name: undefined,
      protocol: "http",
      event: answer,
      missing: 0,
      latency,
    });
  map.message({
    said: { kind: "unanswered" },
    name: undefined,
    protocol: "http",
    event: answer,
    missing: 0,
    latency: 9,
  });
  map.lost({ kind: "pipe", count: 17, reason: "ring_full", time });
  map.end(time, out);
  return new TextDecoder().decode(out.bytes.subarray(0, out.length)).trimEnd().split("\n");
}

test("a tree says what each sent and received, with the last name of each", () => {
  expect(drawn("text")).toEqual([
    "-1(<unknown>)",
    "└─ pipe <- 7(cat), 1 event, 2 bytes received",
    "7(cat)",
    "├─ pipe -> 7(cat), 1 event, 3 bytes sent",
    "├─ pipe <- 7(cat), 1 event, 3 bytes sent",
    "├─ pipe -> -1(<unknown>), 1 event, 2 bytes sent",
    "└─ pipe <- 12(bash), 1 event, 1 byte received",
    "12(bash)",
    '├─ unix-stream /run/agent <-> 345(a"\\x1b), 2 events, 11 bytes, 1 guessed sent, 1 event, 100 bytes received',
    "└─ pipe -> 7(cat), 1 event, 1 byte sent",
    '345(a"\\x1b)',
    "└─ unix-stream /run/agent <-> 12(bash), 1 event, 100 bytes sent, 2 events, 11 bytes, 1 guessed received",
  ]);
});

test("drawings have an arrow for each two, both ways where both sent", () => {
  expect(drawn("dot").filter((line) => line.includes("->"))).toEqual([
    '  p12 -> p345 [label="unix-stream /run/agent\\n3 events, 111 bytes, 1 guessed", dir=both];',
    '  p7 -> p7 [label="pipe\\n1 event, 3 bytes"];',
    '  p7 -> unknown [label="pipe\\n1 event, 2 bytes"];',
    '  p12 -> p7 [label="pipe\\n1 event, 1 byte"];',
  ]);
  expect(drawn("mermaid")).toContain(
    '  p12 <-->|"unix-stream /run/agent<br>3 events, 111 bytes, 1 guessed"| p345',
  );
});

test("JSON has what went each way", () => {
  const [first] = drawn("json").map((line) => JSON.parse(line));
  expect(first).toMatchObject({
    kind: "unix-stream",
    name: "/run/agent",
    flows: [
      { from: 12, to: 345, events: 2, bytes: 11, guessed: 1 },
      { from: 345, to: 12, events: 1, bytes: 100, guessed: 0 },
    ],
  });
});

test("with answers an edge says how many there were, and how long they took", () => {
  const times = [4_000_000, 1_000_000, 2_000_000];
  expect(drawn("text", ...times)).toContain(
    "└─ unix-stream /run/agent <-> 12(bash), 1 event, 100 bytes, 3 answers in 2.00ms (p99 4.00ms) sent, 2 events, 11 bytes, 1 guessed received",
  );
  const [first] = drawn("json", ...times).map((line) => JSON.parse(line));
  expect(first.flows[1]).toEqual({
    ...{ from: 345, to: 12, events: 1, bytes: 100, guessed: 0 },
    ...{ answers: 3, p50_ns: 2_000_000, p95_ns: 4_000_000, p99_ns: 4_000_000 },
  });
  expect(first.flows[0]).not.toHaveProperty("answers");
});
