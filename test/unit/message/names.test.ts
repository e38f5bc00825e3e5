import { expect, test } from "bun:test";
import { Directory } from "../../../src/message/protocol.ts";

test("names of processes are bounded, the oldest go first", () => {
  const names = new Directory();
  for (let pid = 1; pid <= 20_000; pid++) names.set(`:1.${pid}`, { pid, comm: null });
  expect(names.get(":1.1")).toBeUndefined();
  expect(names.get(":1.20000")).toEqual({ pid: 20_000, comm: null });
  names.set(":1.20000", { pid: 7, comm: null });
  expect(names.get(":1.20000")?.pid).toBe(7);
});
