import { expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { parseUnix, Sockets } from "../../src/proc/sockets.ts";

const header = "Num       RefCount Protocol Flags    Type St Inode Path\n";
const row = (inode: number, path: string, flags = "00000000") =>
  `0000000000000000: 00000002 00000000 ${flags} 0002 01 ${inode}${path === "" ? "" : ` ${path}`}\n`;

test("rows of /proc/net/unix", () => {
  const text =
    header + row(10, "") + row(11, "/run/one") + row(12, "") + row(123456, "@two words", "00010000");
  expect(parseUnix(text)).toEqual([
    { path: "/run/one", type: 2, listens: false, inode: 11, isDoubtful: false },
    { path: "@two words", type: 2, listens: true, inode: 123456, isDoubtful: false },
  ]);
});

test("a row that a newline in the path before may have made is doubtful", () => {
  const forged = row(11, `x\n${row(99, "/run/victim")}`.trimEnd());
  const honest = row(12, `/${"long".repeat(20)}`);
  expect(parseUnix(header + forged + row(13, "/run/victim") + honest + row(14, "/run/last"))).toEqual([
    { path: "x", type: 2, listens: false, inode: 11, isDoubtful: false },
    { path: "/run/victim", type: 2, listens: false, inode: 99, isDoubtful: true },
    { path: "/run/victim", type: 2, listens: false, inode: 13, isDoubtful: true },
    { path: `/${"long".repeat(20)}`, type: 2, listens: false, inode: 12, isDoubtful: false },
    { path: "/run/last", type: 2, listens: false, inode: 14, isDoubtful: false },
  ]);
});

test("who listens is found by the address a connection was made to", () => {
  using listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const own = readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // the folder's own
    }
  });
  const net = Number(/\d+/.exec(readlinkSync("/proc/self/ns/net"))?.[0]);
  const local = `${"0".repeat(20)}ffff7f000001`;
  const found = new Sockets().tcpListener(net, local, listener.port);
  expect(found?.guess).toBe(true);
  expect(own).toContain(`socket:[${found?.inode}]`);
  const elsewhere = `${"0".repeat(20)}ffff7f000002`;
  expect(new Sockets().tcpListener(net, elsewhere, listener.port)).toBeNull();
});
