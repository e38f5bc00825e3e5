import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE } from "../harness/condition.ts";
import { ask, askUntil, Hang } from "../harness/hang.ts";

setDefaultTimeout(1.5 * PATIENCE);

interface Holder {
  pid: number;
  comm: string;
}

interface Connection {
  kind: string;
  name: string;
  sides: { role: string; queued: number; holders: Holder[] }[];
  blocked: { pid: number; call: string }[];
}

/** The connections of ann and bob, as `kind name: role holders, …; who sleeps in what`. */
async function seen(hang: Hang): Promise<string[]> {
  const { text } = await ask("map", "-f", "json", `${hang.ann}`, `${hang.bob}`);
  return text
    .trimEnd()
    .split("\n")
    .map((line): Connection => JSON.parse(line))
    .map(({ kind, name, sides, blocked }) => {
      const ends = sides
        .map(({ role, holders }) => `${role} ${holders.map(({ comm }) => comm).sort()}`)
        .sort();
      const asleep = blocked
        .map(({ pid, call }) => `; ${pid === hang.ann ? "ann" : "bob"} in ${call}`)
        .sort();
      return hang.named(`${kind} ${name}: ${ends.join(", ")}${asleep.join("")}`);
    })
    .sort();
}

/** Besides what the mode is about both have these, which nobody uses. */
const pipe = "pipe <anonymous>: reader ann,bob, writer ann,bob";
const unused = [pipe, pipe, "unix-stream <anonymous>: end ann,bob, end ann,bob"];
const shared = "shm /dev/zero (deleted): mapping ann,bob,hang";

const cases: [mode: string, connections: string[]][] = [
  ["pipes", [`${pipe}; ann in write`, `${pipe}; bob in write`, unused[2]!, shared]],
  ["sockets", [pipe, pipe, "unix-stream <anonymous>: end ann, end bob; ann in write; bob in write", shared]],
  [
    "reads",
    [
      "pipe <anonymous>: reader ann, writer bob; ann in read",
      "pipe <anonymous>: reader bob, writer ann; bob in read",
      unused[2]!,
      shared,
    ],
  ],
  [
    "queue",
    [
      "mq /ipcdump-hang-N (deleted): reader ann,bob, writer ann,bob; ann in mq_timedsend",
      "pipe <anonymous>: reader ann, writer ann",
      pipe,
      unused[2]!,
      shared,
    ],
  ],
  [
    "backlog",
    [
      "pipe <anonymous>: reader ann, writer ann",
      pipe,
      unused[2]!,
      shared,
      "unix-stream @/tmp/ipcdump-hang-N: backlog bob, end ann",
      "unix-stream @/tmp/ipcdump-hang-N: backlog bob, end ann",
      "unix-stream @/tmp/ipcdump-hang-N: listener bob",
      "unix-stream <anonymous>: end ann; ann in connect",
    ],
  ],
];

describe("map", () => {
  test.each(cases)("%s", async (mode, connections) => {
    using hang = await Hang.start(mode);
    const expected = connections.toSorted();
    expect(await askUntil(expected, () => seen(hang), PATIENCE)).toEqual(expected);
  });

  test("a tree, a drawing and a page of the same", async () => {
    using hang = await Hang.start("reads");
    const both = [`${hang.ann}`, `${hang.bob}`];
    const named = async (format: string) =>
      hang.named((await ask("map", ...both, "-f", format)).text).split("\n");
    const expected = [
      "ANN(ann)",
      "BOB(bob)",
      "├─ fd N pipe N -> BOB(bob), BOB sleeps in read",
      "├─ fd N pipe N <- BOB(bob), ANN sleeps in read",
    ];
    const tree = async () => (await named("text")).filter((line) => expected.includes(line)).sort();
    expect(await askUntil(expected, tree, PATIENCE)).toEqual(expected);
    expect(await named("dot")).toEqual(
      expect.arrayContaining(['  pANN -> pBOB [label="pipe"];', '  pBOB -> pANN [label="pipe"];']),
    );
    expect(await named("mermaid")).toEqual(
      expect.arrayContaining(['  pANN -->|"pipe"| pBOB', '  pBOB -->|"pipe"| pANN']),
    );
    const page = (await ask("map", ...both, "-f", "html")).text;
    const data = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)![1]!;
    const { processes } = JSON.parse(data) as { processes: Holder[] };
    expect(processes.map(({ comm }) => comm)).toEqual(expect.arrayContaining(["ann", "bob"]));
    expect(page).not.toMatch(/(?:src|href)="?https?:/);
  });

  test("wrong words are told", async () => {
    expect(await ask("map", "-f", "png")).toMatchObject({ status: 2, text: "" });
    expect((await ask("map", "--deep")).errors).toBe(
      "ipcdump: map takes no --deep\nIts flags: -f NAME, -r FILE, -o FILE\n",
    );
  });
});
