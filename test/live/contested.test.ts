import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { expectCarried } from "../harness/carried.ts";
import { PATIENCE } from "../harness/condition.ts";
import { expectMoved } from "../harness/expect.ts";
import { Trace } from "../harness/trace.ts";
import { Workload } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

let trace: Trace;

beforeAll(async () => {
  // all is received at once; a machine that has no time for it makes no guesses of it
  trace = await Trace.start("pipe,unix-stream,unix-dgram", "--wait=2s");
}, 2 * PATIENCE);

afterAll(async () => {
  await trace?.stop();
}, 2 * PATIENCE);

/** A test that runs a mode of contested.c and compares all its events, of pipes and of sockets. */
function tells(name: string, mode: string): void {
  test(name, async () => {
    using workload = await Workload.staged("contested", mode);
    await expectMoved(trace, workload.truth);
    await expectCarried(trace, workload.truth);
  });
}

describe("a call is about the file it began with", () => {
  tells("a pipe whose descriptor became a socket's during the read", "taken_over");
  tells("a connection whose descriptor became another's during the send", "sent_elsewhere");
  tells("a socket whose descriptor became a pipe's during the read", "forged");
});

describe("a receive has what it took, though it has not returned", () => {
  tells("also where the next buffer has the same address", "kept_from_returning");
});

describe("what did not happen is no event", () => {
  tells("a write that a seccomp supervisor answered", "pretended_write");
  tells("a send that a seccomp supervisor answered", "pretended_send");
  tells("a writev of nothing", "nothing");
});

describe("the kernel looks at the lower half of a call's number", () => {
  tells("write and read", "numbers_of_pipes");
  tells("sendto", "numbers_of_sockets");
});

describe("contested at the end", () => {
  test("nothing came late that was not there", async () => {
    expect(await trace.late()).toEqual([]);
  });
});
