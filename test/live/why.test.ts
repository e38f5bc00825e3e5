import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE } from "../harness/condition.ts";
import { ask, askUntil, Hang } from "../harness/hang.ts";

setDefaultTimeout(1.5 * PATIENCE);

/** What `ipcdump why` says of one of them, with roles for pids and N for other numbers. */
const cases: [mode: string, who: "ann" | "bob", said: string[]][] = [
  [
    "pipes",
    "ann",
    [
      "ANN(ann) writes pipe N (descriptor N), full with N bytes",
      "  readers: ANN(ann), as above",
      "  readers: BOB(bob) writes pipe N (descriptor N), full with N bytes",
      "    readers: ANN(ann), as above",
      "    readers: BOB(bob), as above",
      "deadlock: ANN(ann), BOB(bob) wait for each other",
    ],
  ],
  [
    "wait",
    "ann",
    [
      "ANN(ann) waits for the end of child BOB",
      "  child: BOB(bob) writes pipe N (descriptor N), full with N bytes",
      "    readers: ANN(ann), as above",
      "    readers: BOB(bob), as above",
      "deadlock: ANN(ann), BOB(bob) wait for each other",
    ],
  ],
  [
    "sockets",
    "bob",
    [
      "BOB(bob) writes unix-stream N (descriptor N), full; the other end has N unread",
      "  other end: ANN(ann) writes unix-stream N (descriptor N), full; the other end has N unread",
      "    other end: BOB(bob), as above",
      "deadlock: ANN(ann), BOB(bob) wait for each other",
    ],
  ],
  [
    "reads",
    "ann",
    [
      "ANN(ann) reads pipe N (descriptor N), empty",
      "  writers: BOB(bob) reads pipe N (descriptor N), empty",
      "    writers: ANN(ann), as above",
      "deadlock: ANN(ann), BOB(bob) wait for each other",
    ],
  ],
  [
    "self",
    "ann",
    [
      "ANN(ann) reads pipe N (descriptor N), empty",
      "  writers: ANN(ann), as above",
      "deadlock: ANN(ann) waits for itself",
    ],
  ],
  [
    "stopped",
    "ann",
    ["ANN(ann) writes pipe N (descriptor N), full with N bytes", "  readers: BOB(bob) is stopped"],
  ],
  ...(["poll", "epoll"] as const).map((mode): [string, "ann", string[]] => [
    mode,
    "ann",
    [
      "ANN(ann) writes pipe N (descriptor N), full with N bytes",
      "  readers: BOB(bob) polls: reads pipe N (descriptor N), empty",
      "    writers: ANN(ann), as above",
      "deadlock: ANN(ann), BOB(bob) wait for each other",
    ],
  ]),
  [
    "flock",
    "bob",
    ["BOB(bob) waits for a lock on /tmp/ipcdump-hang-N", "  held by: ANN(ann) waits for a signal"],
  ],
  [
    "mutex",
    "bob",
    [
      "BOB(bob) waits for a lock in shared memory /dev/zero (deleted) (futex)",
      "  held by: ANN(ann) waits for a signal",
    ],
  ],
  [
    "queue",
    "ann",
    [
      "ANN(ann) writes mq N /ipcdump-hang-N (deleted) (descriptor N), full with N messages",
      "  readers: ANN(ann), as above",
      "  readers: BOB(bob) waits for a signal",
    ],
  ],
  [
    "backlog",
    "ann",
    [
      "ANN(ann) connects to @/tmp/ipcdump-hang-N, where N wait to be accepted, N at most",
      "  listener: BOB(bob) waits for a signal",
    ],
  ],
  [
    "semaphore",
    "bob",
    ["BOB(bob) waits for System V semaphore N of set N", "  changed last by: ANN(ann) waits for a signal"],
  ],
  [
    "messages",
    "ann",
    [
      "ANN(ann) sends to System V queue N, full with N messages",
      "  received from last by: BOB(bob) waits for a signal",
    ],
  ],
  ["fifo", "ann", ["ANN(ann) opens /tmp/ipcdump-hang-N, which nobody has open at the other end"]],
];

describe("why", () => {
  test.each(cases)("%s", async (mode, who, lines) => {
    using hang = await Hang.start(mode);
    const status = lines.at(-1)!.startsWith("deadlock: ") ? 1 : 0;
    const expected = { lines, errors: "", status };
    const answer = async () => {
      const { text, errors, status } = await ask("why", `${hang[who]}`);
      return { lines: hang.named(text).trimEnd().split("\n"), errors, status };
    };
    expect(await askUntil(expected, answer, PATIENCE)).toEqual(expected);
  });

  test("without a process: what hangs, and not who only waits", async () => {
    using deadlock = await Hang.start("sockets");
    using blocked = await Hang.start("stopped");
    using idle = await Hang.start("flock");
    const mine = [deadlock, blocked, idle];
    const roles = (text: string) =>
      text
        .split("\n")
        .filter((line) => /^(deadlock|blocked): /.test(line))
        .flatMap((line) =>
          mine.flatMap((hang, i) =>
            [...hang.pids.values()].some((pid) => line.includes(`${pid}(`))
              ? [`${i} ${hang.named(line)}`]
              : [],
          ),
        )
        .sort();
    const expected = {
      found: [
        "0 deadlock: ANN(ann), BOB(bob) wait for each other",
        "1 blocked: ANN(ann) writes pipe N (descriptor N), full with N bytes",
      ],
      status: 1,
    };
    const answer = async () => {
      const { text, status } = await ask("why");
      return { found: roles(text), status };
    };
    expect(await askUntil(expected, answer, PATIENCE)).toEqual(expected);
  });

  test("a process by its name, and one that is not there", async () => {
    using hang = await Hang.start("self");
    expect((await ask("why", "ann")).text).toContain(`${hang.ann}(ann)`);
    const { text, errors, status } = await ask("why", "no-such-process");
    expect([text, errors, status]).toEqual(["", "ipcdump: no process no-such-process here; try: ps -e\n", 1]);
  });
});
