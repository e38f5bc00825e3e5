import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { link } from "../../src/proc/files.ts";
import { Holders } from "../../src/proc/holders.ts";

/** The inodes of the sockets that a process has open. */
function socketsOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    const target = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`));
    return target === null ? [] : [Number(target[1])];
  });
}

// every process of the machine is looked through, whatever else runs there
setDefaultTimeout(120_000);

test.each([
  [1, 17_000],
  [4, 5000],
])(
  "whoever has a socket open is found; where %d have %d descriptors, as a guess, and that is told once",
  async (count, files) => {
    const folder = mkdtempSync(join(tmpdir(), "ipcdump-holders-"));
    const script = `
    const { openSync } = await import("node:fs");
    Bun.listen({ unix: ${JSON.stringify(folder)} + "/" + process.pid, socket: { data() {} } });
    for (let i = 0; i < ${files}; i++) openSync("/dev/null", "r");
    console.log("full");`;
    const command = ["sh", "-c", 'ulimit -n 20000; exec "$@"', "sh", process.execPath, "-e", script];
    const large = Array.from({ length: count }, () => Bun.spawn(command, { stdout: "pipe" }));
    using listener = Bun.listen({ unix: join(folder, "own"), socket: { data() {} } });
    try {
      const told: number[] = [];
      const holders = new Holders();
      holders.onLarge = (pid) => told.push(pid);
      const own = socketsOf(process.pid).at(-1)!;
      expect(listener.unix).toBe(join(folder, "own"));
      expect(holders.ofSocket(own)?.holder.pid).toBe(process.pid);
      for (const each of large) await each.stdout.getReader().read();
      for (let i = 0; i < 3; i++) {
        holders.refresh();
        expect(holders.ofSocket(own)).toMatchObject({ holder: { pid: process.pid }, guess: true });
      }
      // what those have that are looked through rarely takes some drains to find
      let drains = 0;
      for (const { pid } of large) {
        const theirs = socketsOf(pid)[0]!;
        while (holders.ofSocket(theirs) === null) {
          expect(drains++).toBeLessThan(1000 * count);
          holders.refresh();
        }
        expect(holders.ofSocket(theirs)).toMatchObject({ holder: { pid }, guess: true });
      }
      expect(drains).toBeGreaterThan(0);
      const ofThem = told.filter((pid) => large.some((each) => each.pid === pid));
      expect(ofThem.length).toBeGreaterThan(0);
      expect(new Set(ofThem).size).toBe(ofThem.length);
    } finally {
      for (const each of large) each.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

test("where those who had a socket at one look have ended since, it is looked at again", () => {
  const ended = Bun.spawnSync(["true"]).pid;
  const looks = [[ended], [process.pid]];
  const holders = new Holders(false, (take) => {
    for (const pid of looks.shift() ?? []) take(pid, 7, 0);
  });
  expect(holders.ofSocketNow(7)?.holder.pid).toBe(process.pid);
  // it is not for who is left out, nor for what nobody had
  looks.push([ended]);
  expect(holders.ofSocketNow(7, process.pid)).toBeNull();
  expect(holders.ofSocketNow(8)).toBeNull();
  expect(looks).toHaveLength(1);
});

test("until another look who was found is called as he was then: a name that he took since may not be told of yet", async () => {
  const script = "read go; printf renamed > /proc/$$/comm; echo done; read go";
  const child = Bun.spawn(["sh", "-c", script], { stdin: "pipe", stdout: "pipe" });
  try {
    const holders = new Holders(false, (found) => found(child.pid, 7, 0));
    const name = () => Buffer.from(holders.ofSocket(7)?.holder.comm ?? []).toString();
    expect(name()).toBe("sh");
    child.stdin.write("\n");
    child.stdin.flush();
    await child.stdout.getReader().read();
    expect(name()).toBe("sh");
    holders.refresh();
    expect(name()).toBe("renamed");
  } finally {
    child.kill();
  }
});
