import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";

setDefaultTimeout(2 * PATIENCE);

const folder = mkdtempSync(join(tmpdir(), "ipcdump-contents-"));
const recording = join(folder, "recording");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** bash reads a pipe byte by byte; cat takes what there is. */
const SCRIPT = `{ printf 'one\\nzwölf\\n' | while read -r line; do echo "$line" >/dev/null; done; }
printf '\\0\\377' | cat >/dev/null`;
const COMMAND = ["--", "bash", "-c", SCRIPT];

/** The lines of an ipcdump that ends by itself. */
async function said(...words: string[]): Promise<string[]> {
  using ipcdump = new Ipcdump(words);
  expect(await ipcdump.ended()).toBe(0);
  return ipcdump.stdout;
}

/** Without times and numbers of processes and pipes, which are others each time. */
function timeless(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line
      .replace(/^[\d:.]+ (?=pipe)/, "")
      .replace(/\d+\(/g, "N(")
      .replace(/pipe_inode \d+/, "pipe_inode N"),
  );
}

const bash = "pipe N(bash) > N(bash): pipe_name <anonymous>, count 11, events 11";
const cat = "pipe N(bash) > N(cat): pipe_name <anonymous>, count 2";
const dump = `\t00000000  00 ff ${" ".repeat(44)}|..|`;
const shown: [flags: string, lines: string[]][] = [
  ["-A --brief --join 10s", [bash, "\tone", "\tzwölf", cat, dump]],
  ["-A --brief --join 10s --match /^ZW.LF$/im", [bash, "\tone", "\tzwölf"]],
  ["-A --brief --join 10s -B 5 --match zw", [`${bash}, captured 5`, "\tone", "\tz"]],
  ["--brief --match /\\xff/", [cat, dump]],
  ["--join 10s -D c*", [cat.replace("<anonymous>", "<anonymous>, pipe_inode N")]],
  ["--match nothing", []],
];

test("live: one line of many reads, as text, of those that match", async () => {
  const [flags, lines] = shown[0]!;
  const words = ["-t", "pipe", "--backend", BACKEND, ...flags.split(" "), ...COMMAND];
  expect(timeless(await said(...words))).toEqual(lines);
  const json = await said("-t", "pipe", "-f", "json", "-A", "--join", "10s", "--match", "one", ...COMMAND);
  expect(json.map((line) => JSON.parse(line))).toEqual([
    {
      src_pid: expect.any(Number),
      src_comm: "bash",
      dst_pid: expect.any(Number),
      dst_comm: "bash",
      type: "pipe",
      time: expect.any(String),
      meta: { pipe_name: "<anonymous>", pipe_inode: expect.any(Number), count: 11, events: 11 },
      text: "one\nzwölf\n",
    },
  ]);
});

test("of a recording: the same, and -c counts lines", async () => {
  await said("-t", "pipe", "--backend", BACKEND, "-f", "pcapng", "-o", recording, ...COMMAND);
  for (const [flags, lines] of shown)
    expect([flags, timeless(await said("-r", recording, ...flags.split(" ")))]).toEqual([flags, lines]);
  expect(timeless(await said("-r", recording, "--brief", "--join", "10s", "-c", "1"))).toEqual([bash]);
  expect(await said("-r", recording)).toHaveLength(12);
});
