import { expect, test } from "bun:test";
import { readlinkSync } from "node:fs";
import { resolve } from "node:path";

const module = JSON.stringify(resolve(import.meta.dir, "../../src/proc/processes.ts"));
const script = `
  const { pidNamespace, processes, showsOurPids } = await import(${module});
  console.log(JSON.stringify([pidNamespace(), showsOurPids(), processes().includes(process.pid), process.pid]));`;

/** What is found by a process that is started like this. */
function found(...before: string[]): unknown[] {
  const { stdout, stderr } = Bun.spawnSync([...before, process.execPath, "-e", script]);
  if (stdout.length === 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString());
}

const isHost = readlinkSync("/proc/self/ns/pid") === "pid:[4026531836]";

test.if(isHost)("the initial namespace has no number of interest", () => {
  expect(found().slice(0, 3)).toEqual([0, true, true]);
});

test.if(process.getuid?.() === 0)("a namespace of its own, with its /proc and with another's", () => {
  const own = found("unshare", "-p", "-f", "--mount-proc");
  expect(own.slice(1)).toEqual([true, true, 1]);
  expect(own[0]).toBeGreaterThan(0);
  expect(found("unshare", "-p", "-f").slice(1)).toEqual([false, false, 1]);
});
