/** How conversations open that Wireshark's dissectors need help with. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { dbusHandshakePort, dbusPort, mysqlPort, privatePorts } from "../../src/pcapng/ports.ts";
import { end, json, packets, pipe, record, replay, unixStream } from "./recordings.ts";

// tens of thousands of packets take their time on a busy machine
setDefaultTimeout(60_000);

const encoder = new TextEncoder();
const [client, server] = [end(1, "client", 1), end(2, "server", 2)];

test("D-Bus's handshake has a port of its own, so that its messages begin where Wireshark looks for one", () => {
  const message = Uint8Array.of(0x6c, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
  const big = Uint8Array.of(0x42, 4, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0);
  const said = (from: "client" | "server", bytes: string | Uint8Array) =>
    unixStream(
      "/run/dbus/system_bus_socket",
      from === "client" ? client : server,
      from === "client" ? server : client,
      from === "client" ? [10, 11] : [11, 10],
      typeof bytes === "string" ? encoder.encode(bytes) : bytes,
    );
  const events = [
    said("client", "\0AUTH EXTERNAL 30\r\n"),
    said("server", "OK 1234deadbeef\r\n"),
    said("client", "BEGIN\r\n"),
    said("client", message),
    said("server", big),
    said("server", "the rest "),
    said("client", "BEGIN as part of a message"),
  ];
  const file = record(events);
  const found = packets(file);
  const own = found[0]!.ports[0];
  const servers = [dbusHandshakePort, dbusHandshakePort, dbusHandshakePort, ...Array(4).fill(dbusPort)];
  expect(found.map(({ ports: [from, to] }) => (from === own ? to : from))).toEqual(servers);
  expect(found.map(({ ports: [from] }) => from === own)).toEqual([
    true,
    false,
    true,
    true,
    false,
    false,
    true,
  ]);
  expect(found.map(({ sequence }) => sequence)).toEqual([1, 1, 20, 1, 1, 17, 17]);
  const wanted = json((format, out) => {
    for (const one of events) format.event(one, out);
  });
  expect(replay(file).lines).toEqual(wanted);
});

test("a server of MySQL speaks first, and a question that is seen first is the client's all the same", () => {
  const path = "/run/mysqld/mysqld.sock";
  const greeting = Uint8Array.of(5, 0, 0, 0, 10, 0x38, 0x2e, 0x30, 0);
  const query = Uint8Array.of(4, 0, 0, 0, 3, 0x53, 0x45, 0x54);
  const answer = Uint8Array.of(3, 0, 0, 1, 0, 0, 0);
  const file = record([
    unixStream(path, server, client, [21, 20], greeting),
    unixStream(path, client, server, [20, 21], query),
    unixStream(path, client, server, [30, 31], query),
    unixStream(path, server, client, [31, 30], answer),
    unixStream(path, server, client, [41, 40], answer),
  ]);
  const isServer = packets(file).map(({ ports: [from, to] }) => [from === mysqlPort, to === mysqlPort]);
  const [asked, answered] = [
    [false, true],
    [true, false],
  ];
  expect(isServer).toEqual([answered, asked, asked, answered, answered]);
});

test.each(["/run/docker.sock", "/tmp/x"])(
  "as many connections as one likes between two processes are never taken for one: %s",
  (path) => {
    const count = privatePorts + 100;
    const file = record(
      Array.from({ length: count }, (_, i) =>
        unixStream(path, client, server, [10 + 2 * i, 11 + 2 * i], encoder.encode("GET / HTTP/1.1\r\n\r\n")),
      ),
    );
    // of one pair of ports the numbers go on, so nothing looks as if it were sent again
    const next = new Map<string, number>();
    for (const { ports, sequence, captured } of packets(file)) {
      const expected = next.get(ports.join()) ?? 1;
      expect(sequence).toBeGreaterThanOrEqual(expected);
      next.set(ports.join(), sequence + captured);
    }
    expect(next.size).toBe(path === "/tmp/x" ? count : privatePorts);
  },
);

test("a pipe goes one way, whoever writes and reads", () => {
  const bytes = Uint8Array.of(1);
  const file = record([
    pipe(client, server, bytes, "f"),
    pipe(end(3, "a", 3), end(4, "b", 4), bytes, "f"),
    pipe(server, client, bytes, "f"),
  ]);
  expect(new Set(packets(file).map(({ ports }) => ports.join())).size).toBe(1);
});
