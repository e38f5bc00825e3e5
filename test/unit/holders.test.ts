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

test("whoever has a socket open is found; with very many descriptors, as a guess, and that is told once", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ipcdump-holders-"));
  const script = `
    const { openSync } = await import("node:fs");
    Bun.listen({ unix: ${JSON.stringify(join(folder, "socket"))}, socket: { data() {} } });
    for (let i = 0; i < 17000; i++) openSync("/dev/null", "r");
    console.log("full");`;
  const large = Bun.spawn(["sh", "-c", 'ulimit -n 20000; exec "$@"', "sh", process.execPath, "-e", script], {
    stdout: "pipe",
  });
  using listener = Bun.listen({ unix: join(folder, "own"), socket: { data() {} } });
  try {
    const told: number[] = [];
    const holders = new Holders();
    holders.onLarge = (pid) => told.push(pid);
    const own = socketsOf(process.pid).at(-1)!;
    expect(listener.unix).toBe(join(folder, "own"));
    expect(holders.ofSocket(own)?.holder.pid).toBe(process.pid);
    await large.stdout.getReader().read();
    for (let i = 0; i < 3; i++) {
      holders.refresh();
      expect(holders.ofSocket(own)).toMatchObject({ holder: { pid: process.pid }, guess: true });
    }
    // what it has itself takes some drains to find
    const theirs = socketsOf(large.pid)[0]!;
    let drains = 0;
    while (holders.ofSocket(theirs) === null) {
      expect(drains++).toBeLessThan(1000);
      holders.refresh();
    }
    expect(drains).toBeGreaterThan(0);
    expect(holders.ofSocket(theirs)).toMatchObject({ holder: { pid: large.pid }, guess: true });
    expect(told.filter((pid) => pid === large.pid)).toEqual([large.pid]);
  } finally {
    large.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});
