import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expectCarried } from "../harness/carried.ts";
import { PATIENCE } from "../harness/condition.ts";
import { expectStorm } from "../harness/storm.ts";
import { Trace } from "../harness/trace.ts";
import { Workload } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

const TYPES = ["stream", "dgram", "seqpacket"] as const;
const NAMINGS = ["unnamed", "bound", "relative", "abstract", "padded"] as const;
/** Modes of owner.c that make sense with sockets from before tracing too. */
const OWNERS = {
  two_children: "of a pair made by a parent for two children",
  nobody_closes: "of an end that all have open",
  turns: "of an end that two processes take turns at",
  left_before: "of an end that held something when they began to",
  prefork: "of a connection that one of the forked workers accepts",
  forking_server: "of a connection that a server's child serves",
  activated: "of a listener that another program was started with",
  inetd: "of a connection that another process was started for",
  not_accepted: "of a connection that nobody has accepted",
  rights_kept: "of an end passed to another process",
  rights_given: "of an end given away",
  rights_forwarded: "of an end given away without use",
  rights_unused: "of an end passed on without use",
  ring_users: "of an end used by io_uring",
  user_gone: "of an end whose last user is gone",
} as const;

/** For bound sockets. */
let folder: string;
let trace: Trace;
/** What is there before tracing begins, by its arguments. */
const early = new Map<string, Workload>();

async function startTracing(...args: string[]): Promise<void> {
  for (const workload of early.values()) await workload.untilWaiting();
  trace = await Trace.start(TYPES.map((type) => `unix-${type}`).join(","), ...args);
}

async function stopTracing(): Promise<void> {
  for (const workload of early.values()) workload[Symbol.dispose]();
  early.clear();
  await trace?.stop();
}

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "ipcdump-unix-")));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function startEarly(program: string, ...args: string[]): Promise<void> {
  early.set(args.join(" "), await Workload.start(program, ...args, "early", folder));
}

/** A test that runs a workload and compares all its events. */
function carries(name: string, program: string, ...args: string[]): void {
  test(name, async () => {
    using workload = await Workload.staged(program, ...args, folder);
    await expectCarried(trace, workload.truth);
  });
}

function carriesEarly(name: string, ...args: string[]): void {
  test(name, async () => {
    using workload = early.get(args.join(" "))!;
    await workload.proceed();
    await expectCarried(trace, workload.truth);
  });
}

describe("unix pair from before tracing", () => {
  // all is received at once; a machine that has no time for it makes no guesses of it
  beforeAll(async () => {
    for (const type of TYPES) {
      for (const naming of NAMINGS) await startEarly("unix", "pair", type, naming);
    }
    await startTracing("--wait=5s");
  }, 2 * PATIENCE);
  afterAll(stopTracing, 2 * PATIENCE);

  for (const type of TYPES) {
    for (const naming of NAMINGS) carriesEarly(`unix-${type}, ${naming}`, "pair", type, naming);
  }
});

describe("unix", () => {
  beforeAll(async () => {
    for (const mode of Object.keys(OWNERS)) await startEarly("owner", mode);
    await startTracing("--wait=2s");
  }, 2 * PATIENCE);
  afterAll(stopTracing, 2 * PATIENCE);

  for (const type of TYPES) {
    const kind = `unix-${type}`;

    describe(`${kind} pair`, () => {
      for (const naming of NAMINGS) {
        carries(`${naming}`, "unix", "pair", type, naming);
      }
      carries("one side bound, both directions", "unix", "half_named", type);
      carries("one process's", "unix", "self", type);
      carries("of processes that are renamed", "unix", "renamed", type);
      carries("200 one after another", "unix", "many", type);
    });

    describe(`${kind} sent`, () => {
      carries("by send", "unix", "send", type);
      carries("by write", "unix", "write", type);
      carries("by writev", "unix", "writev", type);
      carries("by writev of 700 pieces", "unix", "many_pieces", type);
      carries("by sendmsg", "unix", "sendmsg", type);
      carries("by sendmmsg, one event a message", "unix", "sendmmsg", type);
      carries("by splice", "unix", "splice", type);
      carries("by threads", "unix", "threads", type);
      carries("and received in other cuts", "unix", "cuts", type);
      carries("and peeked at", "unix", "peek", type);
      carries("200,000 bytes at once", "unix", "large", type);
      carries("nothing at all", "unix", "empty", type);
      carries("until there is no room", "unix", "full", type);
      carries("in vain is silent", "unix", "failed", type);

      test("by many at once", async () => {
        using workload = await Workload.staged("unix", "storm", type);
        await expectStorm(trace, workload.truth);
      });

      carries("by io_uring", "unix", "io_uring", type);
      carries("by io_uring's own threads and several in one go", "unix", "rings", type);
    });
  }

  describe("unix-stream", () => {
    carries("by sendfile", "unix", "sendfile", "stream");
    carries("before and after 100,000 sockets in use", "unix", "crowd", "stream");
    carries("out of band, once", "unix", "out_of_band", "stream");
    carries("one direction shut", "unix", "half_shut", "stream");
  });

  describe("unix-seqpacket", () => {
    carries("one direction shut", "unix", "half_shut", "seqpacket");
  });

  describe("unix-dgram", () => {
    carries("by io_uring to addresses", "unix", "ring_to_whom", "dgram");
    carries("by a process whose number one of io_uring's threads had", "unix", "reused_number", "dgram");
    carries("by sendto and to one peer after another", "unix", "to_whom", "dgram");
  });

  describe("unix names", () => {
    carries("both ends of a stream bound: the path of the one accepted", "unix", "bound_client", "stream");
    carries("both ends of a seqpacket bound: likewise", "unix", "bound_client", "seqpacket");
    carries("of datagrams: the receiver's, and the sender's beside it", "unix", "both_bound", "dgram");

    test("--path by a name, another folder's link, a pattern, and since it was renamed", async () => {
      const place = realpathSync(mkdtempSync(join(folder, "names-")));
      mkdirSync(join(place, "run"));
      symlinkSync("run", join(place, "link"));
      // what the user calls it leads to a file that will be there under another name than it was bound by
      symlinkSync("run/renamed", join(place, "latest"));
      const names = ["run/relative", "run/bound", "link/asked", "link/star*d", "latest"];
      const wanted = names.flatMap((name) => ["--path", join(place, name)]);
      // the markers' sockets have no names
      using filtered = await Trace.start("unix-stream", "--wait=2s", "--path", "<anonymous>", ...wanted);
      using workload = await Workload.staged("unix", "file_names", "stream", place);
      await expectCarried(filtered, workload.truth);
      expect(await filtered.late()).toEqual([]);
    });
  });

  describe("unix holder", () => {
    for (const [mode, name] of Object.entries(OWNERS)) {
      carries(name, "owner", mode);
      carriesEarly(`${name}, from before tracing`, mode);
    }
    carries("of an end that two take 600 messages of one sendmmsg from", "owner", "taken_meanwhile");
    carries("of sockets one after another", "owner", "reused");
  });

  describe("unix at the end", () => {
    test("nothing was lost, and nothing came late that was not there", async () => {
      expect(await trace.late()).toEqual([]);
      expect(trace.lost.filter(({ reason }) => reason !== "probe_missed")).toEqual([]);
    });
  });
});
