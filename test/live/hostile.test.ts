import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";
import { programPath } from "../harness/programs.ts";

setDefaultTimeout(3 * PATIENCE);

const folder = mkdtempSync(join(tmpdir(), "ipcdump-hostile-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const LIVES = 20_000;
const ROUNDS = 20;
const CHANGES = 5000;

/** The bytes that ipcdump writes of what one command does. */
async function trace(flags: readonly string[], ...words: string[]): Promise<Buffer> {
  const output = join(folder, "events");
  const common = ["-t", "pipe,unix", "--backend", BACKEND, "--ring", "256M", "-o", output];
  using ipcdump = new Ipcdump([...common, ...flags, "--", await programPath("hostile"), ...words]);
  expect(await ipcdump.ended()).toBe(0);
  expect(ipcdump.stderr.filter((line) => /could not be decoded/.test(line))).toEqual([]);
  expect(ipcdump.stderr.find((line) => / events in /.test(line))).toEndWith(" 0 lost");
  return readFileSync(output);
}

interface Line {
  src_pid: number;
  src_comm: string;
  dst_pid: number;
  type: string;
  meta: { count: number; captured?: number; path?: string };
  bytes: string;
}

async function events(...words: string[]): Promise<Line[]> {
  const text = (await trace(["-x", "-f", "json"], ...words)).toString();
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("hostile", () => {
  test(`${LIVES} processes under names that are escape codes: nothing of it reaches the terminal`, async () => {
    const bytes = await trace(["-x"], "lives", `${LIVES}`);
    // a line feed ends a line, a tab begins a row of a dump; nothing else below the blank
    const controls = new Set(bytes.filter((byte) => byte < 0x20 || byte === 0x7f));
    expect([...controls].sort()).toEqual([0x09, 0x0a].sort());
    const lines = bytes.toString("latin1").trimEnd().split("\n");
    const headings = lines.filter((line) => !line.startsWith("\t"));
    expect(headings.length).toBe(LIVES);
    for (const line of headings)
      expect(line).toMatch(
        /^[\d:.]+ pipe \d+\(.*\) > \d+\(\\x1b\[31mparent\): pipe_name <anonymous>, pipe_inode \d+, count 1$/,
      );
    const names = new Set(headings.map((line) => /pipe \d+\((.*)\) > /.exec(line)![1]));
    expect(names.size).toBe(6);
  });

  test("a datagram of 1 MiB, 1,024 pieces, NULs everywhere: all of it is there", async () => {
    const all = await events("shapes", `${ROUNDS}`);
    const sizes = [1 << 20, 682 * 40, 0, 100];
    const own = all.filter(({ src_comm }) => src_comm === "hostile");
    expect(own.map(({ meta }) => meta.count)).toEqual(Array.from({ length: ROUNDS }, () => sizes).flat());
    for (const { meta, bytes } of own) {
      expect(meta).not.toHaveProperty("captured");
      expect(Buffer.from(bytes, "base64").equals(Buffer.alloc(meta.count))).toBe(true);
    }
    expect(new Set(own.map(({ meta }) => meta.path))).toEqual(new Set(["<anonymous>", undefined, "@"]));
  });

  test("buffers that change while they are copied: whole events, of no more bytes than there were", async () => {
    const own = (await events("changing", `${CHANGES}`)).filter(({ src_comm }) => src_comm === "hostile");
    expect(own.length).toBeGreaterThan(1000);
    for (const { src_pid, dst_pid, meta, bytes } of own) {
      expect(dst_pid).toBe(src_pid);
      expect(Buffer.from(bytes, "base64").length).toBe(meta.captured ?? meta.count);
      expect(meta.captured ?? 0).toBeLessThan(meta.count);
    }
  });
});
