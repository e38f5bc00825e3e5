import { describe, expect, test } from "bun:test";
import { Output } from "../../../src/bytes/output.ts";
import { blankEvent } from "../../../src/event.ts";
import { MessageSummary } from "../../../src/format/messagesummary.ts";
import { brief, eventOf, fuzz, holds, pieces, Told, tell, u32 } from "./talk.ts";

const path = "/run/dbus/system_bus_socket";
const pad = (text: string) => text + "\0".repeat((8 - (text.length % 8)) % 8);
const codes: Record<string, [number, string]> = {
  path: [1, "o"],
  interface: [2, "s"],
  member: [3, "s"],
  error: [4, "s"],
  reply: [5, "u"],
  destination: [6, "s"],
  sender: [7, "s"],
  signature: [8, "g"],
};

/** A message of D-Bus in little-endian, with a body of so many bytes. */
function message(
  type: number,
  serial: number,
  fields: Record<string, string | number>,
  body = 0,
  flags = 0,
): string {
  let list = "";
  for (const [name, value] of Object.entries(fields)) {
    const [code, letter] = codes[name]!;
    const text =
      typeof value === "number"
        ? u32(value)
        : `${letter === "g" ? String.fromCharCode(value.length) : u32(value.length)}${value}\0`;
    list = `${pad(list)}${String.fromCharCode(code)}\x01${letter}\0${text}`;
  }
  return `l${String.fromCharCode(type, flags)}\x01${u32(body, serial, list.length)}${pad(list)}${"b".repeat(body)}`;
}

const bus = {
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
  destination: "org.freedesktop.DBus",
};
const all = pieces(
  "> \0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n",
  "< OK 1234deadbeef\r\nAGREE_UNIX_FD\r\n",
  `> ${message(1, 1, { ...bus, member: "Hello" })}`,
  `< ${message(2, 1, { reply: 1, destination: ":1.7", sender: "org.freedesktop.DBus", signature: "s" }, 9)}` +
    message(4, 2, { path: "/x", interface: "a.b", member: "Changed", sender: ":1.2", signature: "as" }, 3000),
  `> ${message(1, 2, { path: "/x", interface: "a.b", member: "Get", destination: "a.b" })}${message(1, 3, { path: "/x", member: "Forget" }, 0, 1)}`,
  `< ${message(1, 9, { path: "/y", interface: "c.d", member: "Ask", sender: ":1.2" })}${message(1, 9, { path: "/y", interface: "c.d", member: "Ask", sender: ":1.3" })}`,
  `> ${message(2, 4, { reply: 9, destination: ":1.3" })}${message(2, 5, { reply: 9, destination: ":1.2" })}`,
  `< ${message(3, 3, { error: "a.b.Error.No", reply: 2, sender: ":1.2" }, 20)}`,
);

describe("dbus", () => {
  test("authentication, calls, answers, signals, errors, calls that the daemon passes on", () => {
    holds(
      all,
      [
        "curl: AUTH EXTERNAL, count 19",
        "curl: NEGOTIATE_UNIX_FD, count 19",
        "curl: BEGIN, count 7",
        "dockerd: OK, count 17, latency 1.00ms, to AUTH EXTERNAL",
        "dockerd: AGREE_UNIX_FD, count 15, latency 1.00ms, to NEGOTIATE_UNIX_FD",
        "curl: org.freedesktop.DBus.Hello, id 1, destination org.freedesktop.DBus, object /org/freedesktop/DBus, count 128",
        "dockerd: ok, id 1, serial 1, sender org.freedesktop.DBus, destination :1.7, signature s, conversation :1.7/1, count 89, " +
          "latency 1.00ms, to org.freedesktop.DBus.Hello",
        "dockerd: a.b.Changed, id 2, sender :1.2, object /x, signature as, conversation :1.2/2, count 3088",
        "curl: a.b.Get, id 2, destination a.b, object /x, conversation :1.7/2, count 80",
        "curl: Forget, id 3, object /x, conversation :1.7/3, count 48",
        "dockerd: c.d.Ask, id 9, sender :1.2, object /y, conversation :1.2/9, count 80",
        "dockerd: c.d.Ask, id 9, sender :1.3, object /y, conversation :1.3/9, count 80",
        "curl: ok, id 9, serial 4, destination :1.3, conversation :1.3/9, count 40, latency 1.00ms, to c.d.Ask",
        "curl: ok, id 9, serial 5, destination :1.2, conversation :1.2/9, count 40, latency 1.00ms, to c.d.Ask",
        "dockerd: a.b.Error.No, id 2, serial 3, sender :1.2, count 84, latency 3.00ms, to a.b.Get",
      ],
      { path },
    );
  });

  test("what began before tracing", () => {
    const lines = brief(tell(all.slice(4), { path }));
    expect(lines[0]).toBe("curl: a.b.Get, id 2, destination a.b, object /x, count 80");
    const [call, ...rest] = all.slice(4);
    const cut = { ...call!, bytes: call!.bytes.subarray(30) };
    expect(brief(tell([{ ...all[2]!, at: 1 }, cut, ...rest], { path })).slice(1, 3)).toEqual([
      "curl: undecoded, count 50",
      "curl: Forget, id 3, object /x, count 48",
    ]);
  });

  test("unique names become processes, on whichever connection they were told", () => {
    const told = new Told();
    for (const piece of all.slice(0, 4)) told.decoding.event(eventOf(piece, { path }));
    const other = { path, client: { pid: 500, inodes: [300, 400] } } as const;
    const signal = message(4, 2, { path: "/x", interface: "a.b", member: "Changed", sender: ":1.7" });
    for (const piece of pieces(`< ${signal}`)) told.decoding.event(eventOf({ ...piece, at: 9 }, other));
    expect(brief(told.lines).at(-1)).toBe(
      "dockerd: a.b.Changed, id 2, sender :1.7, sender_pid 812, sender_comm curl, object /x, conversation :1.7/2, count 80",
    );
  });

  test("a call that the daemon passes on is one conversation on both connections", () => {
    const told = new Told();
    const add = (
      at: number,
      client: { pid: number; inodes: readonly [number, number] },
      ...texts: string[]
    ) => {
      for (const piece of pieces(...texts)) told.decoding.event(eventOf({ ...piece, at }, { path, client }));
    };
    const [ann, bob] = [
      { pid: 812, inodes: [100, 200] },
      { pid: 500, inodes: [300, 400] },
    ] as const;
    const ours = { sender: "org.freedesktop.DBus" };
    add(
      1,
      ann,
      `> ${message(1, 1, { ...bus, member: "Hello" })}`,
      `< ${message(2, 1, { reply: 1, destination: ":1.7", ...ours })}`,
    );
    add(
      2,
      bob,
      `> ${message(1, 1, { ...bus, member: "Hello" })}`,
      `< ${message(2, 1, { reply: 1, destination: ":1.8", ...ours })}`,
    );
    const get = { path: "/x", interface: "a.b", member: "Get", destination: ":1.8" };
    add(3, ann, `> ${message(1, 2, get)}`);
    add(4, bob, `< ${message(1, 2, { ...get, sender: ":1.7" })}`);
    add(5, bob, `> ${message(2, 2, { reply: 2, destination: ":1.7" })}`);
    add(6, ann, `< ${message(2, 2, { reply: 2, destination: ":1.7", sender: ":1.8" })}`);
    expect(brief(told.lines).slice(4)).toEqual([
      "curl: a.b.Get, id 2, destination_pid 500, destination_comm curl, destination :1.8, object /x, conversation :1.7/2, count 80",
      "dockerd: a.b.Get, id 2, sender :1.7, sender_pid 812, sender_comm curl, destination :1.8, object /x, conversation :1.7/2, hop 2, count 96",
      "curl: ok, id 2, serial 2, destination_pid 812, destination_comm curl, destination :1.7, conversation :1.7/2, hop 2, count 40, latency 1.00ms, to a.b.Get",
      "dockerd: ok, id 2, serial 2, sender :1.8, sender_pid 500, sender_comm curl, destination :1.7, conversation :1.7/2, count 56, latency 3.00ms, to a.b.Get",
    ]);
    const [summary, out] = [new MessageSummary("csv"), new Output(64)];
    for (const one of told.messages) summary.message({ ...one, event: blankEvent() });
    summary.table({ seconds: 0, nanoseconds: 0 }, out);
    const rows = new TextDecoder().decode(out.bytes.subarray(0, out.length)).split("\n");
    // once, with what the caller waited for
    expect(rows.filter((row) => row.includes("a.b.Get")).map((row) => row.replace(/^[^,]+,/, ""))).toEqual([
      "dbus,a.b.Get,1,0,0,3000000,3000000,3000000",
    ]);
  });

  test("--errors tells of an error where its caller gets it, not where the daemon did", () => {
    const [told, alone] = [new Told(undefined, { errors: true }), new Told(undefined, { errors: true })];
    const hello = (name: string) => [
      `> ${message(1, 1, { ...bus, member: "Hello" })}`,
      `< ${message(2, 1, { reply: 1, destination: name, sender: "org.freedesktop.DBus" })}`,
    ];
    const get = { path: "/x", interface: "a.b", member: "Get", destination: ":1.8" };
    const no = { error: "a.b.No", reply: 2, destination: ":1.7" };
    const [ann, bob] = [
      { pid: 812, inodes: [100, 200] },
      { pid: 500, inodes: [300, 400] },
    ] as const;
    const steps = [
      [ann, ...hello(":1.7")],
      [bob, ...hello(":1.8")],
      [ann, `> ${message(1, 2, get)}`],
      [bob, `< ${message(1, 2, { ...get, sender: ":1.7" })}`],
      [bob, `> ${message(3, 2, no)}`],
      [ann, `< ${message(3, 5, { ...no, sender: ":1.8" })}`],
    ] as const;
    for (const [at, [client, ...texts]] of steps.entries()) {
      for (const piece of pieces(...texts)) {
        told.decoding.event(eventOf({ ...piece, at }, { path, client }));
        // only the service's connection was traced
        if (client === bob) alone.decoding.event(eventOf({ ...piece, at }, { path, client }));
      }
    }
    expect(brief(told.lines)).toEqual([
      "dockerd: a.b.No, id 2, serial 5, sender :1.8, sender_pid 500, sender_comm curl, destination :1.7, " +
        "conversation :1.7/2, count 72, latency 3.00ms, to a.b.Get",
    ]);
    expect(brief(alone.lines)).toEqual([
      "curl: a.b.No, id 2, serial 2, destination :1.7, conversation :1.7/2, count 56, latency 1.00ms, to a.b.Get",
    ]);
  });

  test("10,000 mutations", () => {
    expect(fuzz(all, 10_000, { path }, ["dbus"])).toBeGreaterThan(1000);
  }, 60_000);
});
