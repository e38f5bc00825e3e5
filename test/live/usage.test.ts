import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Flag } from "../../src/command/flag.ts";
import { flags } from "../../src/command/flags.ts";
import { PATIENCE } from "../harness/condition.ts";
import { Ipcdump } from "../harness/ipcdump.ts";

setDefaultTimeout(1.2 * PATIENCE);

const TOTALS = /^\d+ events in /;

/** A value that each flag refuses, and what of it is named. */
const bad: Record<string, string> = {
  type: "nonsense",
  "not-type": "nonsense",
  "src-pid": "x",
  "dst-pid": "-1",
  pid: "99999999999",
  "not-pid": "0",
  port: "65536",
  "max-bytes": "1e3",
  count: "0x10",
  duration: "5 minutes",
  ring: "12Q",
  format: "jsn",
  color: "sometimes",
  backend: "magic",
  user: "nobody.here",
  "src-user": "nobody.here",
  "dst-user": "-1",
  "not-user": "4294967296",
};

describe("every flag", () => {
  async function refused(...words: string[]): Promise<string> {
    using ipcdump = new Ipcdump(words);
    expect([await ipcdump.ended(), ipcdump.stdout]).toEqual([2, []]);
    expect(ipcdump.stderr.length).toBeWithin(1, 3);
    expect(ipcdump.stderr[0]).toStartWith("ipcdump: ");
    return ipcdump.stderr.join("\n");
  }

  for (const [name, flag] of Object.entries<Flag>(flags)) {
    const spellings = [`--${name}`, ...(flag.short === undefined ? [] : [`-${flag.short}`])];
    for (const spelling of spellings) {
      if (flag.value === undefined) {
        if (spelling.startsWith("--")) {
          test(`${spelling}=x`, async () => {
            expect(await refused(`${spelling}=x`)).toContain(`${spelling} takes no value: x`);
          });
        }
        continue;
      }
      // may be left out
      if (flag.optional) continue;
      test(`${spelling} without its value`, async () => {
        expect(await refused(spelling)).toContain(`${spelling} needs a value: ${spelling} ${flag.value}`);
        expect(await refused(spelling, "-x")).toContain(`${spelling} needs a value`);
        expect(await refused(`${spelling}=`)).toContain(`${spelling} needs a value`);
      });
      const value = bad[name];
      if (value === undefined) continue;
      test(`${spelling} ${value}`, async () => {
        expect(await refused("-x", spelling, value)).toContain(value);
      });
    }
  }

  test("a command without --", async () => {
    expect(await refused("ls", "-l")).toContain("To start a command and trace it: ipcdump -- ls -l");
  });
});

describe("the original's one-liners", () => {
  for (const line of [
    "ipcdump",
    "ipcdump -t kill",
    "ipcdump -t loopback-tcp -p 1337",
    "ipcdump -t unix -x -S Xorg",
    "ipcdump -t pipe -x -B 64 -f json",
  ]) {
    test(line, async () => {
      using ipcdump = await Ipcdump.tracing(line.split(" ").slice(1));
      ipcdump.kill("SIGINT");
      expect(await ipcdump.ended()).toBe(0);
      expect(ipcdump.stderr.some((one) => TOTALS.test(one))).toBe(true);
    });
  }
});
