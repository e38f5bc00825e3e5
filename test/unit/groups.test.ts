import { expect, test } from "bun:test";
import type { BpfObject } from "../../ffi/object.ts";
import { parseArguments } from "../../src/command/arguments.ts";
import { Groups } from "../../src/filter/groups.ts";
import { Config, Group, Shared } from "../../src/layout.ts";

const { GROUP_SOURCE, GROUP_DESTINATION, GROUP_EITHER, GROUP_EXCLUDED, GROUP_COMMAND } = Group;

/** The kernel side, as far as groups go: what is put into its maps. */
class Fixture {
  readonly config = new Config(new Uint32Array(Config.size / 4));
  readonly shared = new Uint32Array(Shared.size / 4);
  readonly groups: Groups;
  readonly pids = new Map<number, number>();
  readonly comms = new Map<string, number>();
  readonly sizes: Record<string, number> = {};
  room = Number.POSITIVE_INFINITY;

  constructor(line: string, command: number | null = null) {
    const invocation = parseArguments(line.split(" ").filter(Boolean));
    if (invocation.action !== "trace") throw new Error(line);
    this.groups = new Groups(invocation.options.wanted, command);
    this.groups.configure(this.object, this.config);
    this.groups.fill(this.object);
  }

  get object(): BpfObject {
    const map = (name: string) => ({
      set: (entries: number) => {
        this.sizes[name] = entries;
      },
      set maxEntries(entries: number) {
        this.set(entries);
      },
      words: () => this.shared,
      update: (key: Uint32Array, value: Uint32Array) => {
        if (this.pids.size >= this.room) return false;
        if (name === "chosen_pids") this.pids.set(key[0]!, value[2]!);
        else this.comms.set(Buffer.from(key.buffer).toString(), value[0]!);
        return true;
      },
    });
    return { map } as unknown as BpfObject;
  }
}

test("no filters are nothing at all", () => {
  const { config, pids, comms, sizes, groups } = new Fixture("--path /tmp/*");
  expect([config.pidGroups, config.commGroups, config.followedGroups]).toEqual([0, 0, 0]);
  expect([pids.size, comms.size]).toEqual([0, 0]);
  // a map can't be empty
  expect(sizes).toEqual({ chosen_pids: 1, chosen_comms: 1 });
  expect(groups.isFollowing).toBe(false);
});

test("a process or a name may be in several groups", () => {
  const { config, pids, comms } = new Fixture("-s 1,2 -d 2 -p 3 --not-pid 4 -S a -P a,b --not-comm c");
  expect([...pids]).toEqual([
    [1, GROUP_SOURCE],
    [2, GROUP_SOURCE | GROUP_DESTINATION],
    [3, GROUP_EITHER],
    [4, GROUP_EXCLUDED],
  ]);
  expect([...comms]).toEqual([
    ["a".padEnd(16, "\0"), GROUP_SOURCE | GROUP_EITHER],
    ["b".padEnd(16, "\0"), GROUP_EITHER],
    ["c".padEnd(16, "\0"), GROUP_EXCLUDED],
  ]);
  expect(config.pidGroups).toBe(GROUP_SOURCE | GROUP_DESTINATION | GROUP_EITHER | GROUP_EXCLUDED);
  expect(config.commGroups).toBe(GROUP_SOURCE | GROUP_EITHER | GROUP_EXCLUDED);
  expect(config.followedGroups).toBe(0);
});

test("a long name is what the kernel keeps of it", () => {
  expect([...new Fixture("-S averylongprocessname").comms.keys()]).toEqual(["averylongproces\0"]);
});

test("-- cmd is a group that takes descendants", () => {
  const { config, pids, groups } = new Fixture("-S a", 50);
  expect([...pids]).toEqual([[50, GROUP_COMMAND]]);
  expect(config.followedGroups).toBe(GROUP_COMMAND);
  expect(groups.isFollowing).toBe(true);
});

test("--follow takes in the descendants there are, in each group their parent is in", async () => {
  const shell = Bun.spawn(["sh", "-c", "sleep 60 & echo $!; wait"], { stdout: "pipe" });
  const { value } = await shell.stdout.getReader().read();
  const sleep = Number(new TextDecoder().decode(value));
  const kernel = new Fixture(`-s ${process.pid} -d ${shell.pid} --follow --not-pid ${sleep}`);
  kernel.groups.adopt(kernel.object);
  // without room the kernel side is to leave it to user space
  const full = new Fixture(`-s ${shell.pid} --follow`);
  full.room = 1;
  full.groups.adopt(full.object);
  for (const pid of [sleep, shell.pid]) process.kill(pid, "SIGKILL");
  expect(kernel.pids.get(shell.pid)).toBe(GROUP_SOURCE | GROUP_DESTINATION);
  expect(kernel.pids.get(sleep)).toBe(GROUP_SOURCE | GROUP_DESTINATION | GROUP_EXCLUDED);
  expect(kernel.groups.adopted).toContainEqual([shell.pid, sleep]);
  expect(new Shared(kernel.shared).crowded).toBe(0);
  expect(new Shared(full.shared).crowded).toBe(1);
});
