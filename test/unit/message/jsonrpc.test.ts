import { describe, expect, test } from "bun:test";
import { brief, Dice, eventOf, fuzz, holds, type Piece, pieces, recut, Told, tell } from "./talk.ts";

const lsp = (body: string) => `Content-Length: ${body.length}\r\n\r\n${body}`;
const lines = pieces(
  '> {"method":"initialize","params":{"capabilities":{"a":[1,{"id":9}]}},"jsonrpc":"2.0","id":0}\n',
  '< {"result":{"serverInfo":{"name":"x"}},"jsonrpc":"2.0","id":0}\n',
  '> {"jsonrpc":"2.0","method":"notifications/initialized"}\n{"jsonrpc":"2.0","id":"a\\n1","method":"tools/call","params":{"name":"read_file"}}\n',
  '< {"jsonrpc":"2.0","id":7,"method":"sampling/createMessage"}\n',
  '> {"jsonrpc":"2.0","id":7,"result":null}\r\n',
  '< {"jsonrpc":"2.0","id":"a\\n1","error":{"code":-32601,"message":"not \\"found\\", sorry"}}\n',
);
const told = [
  "curl: initialize, id 0, count 92",
  "dockerd: ok, id 0, count 62, latency 1.00ms, to initialize",
  "curl: notifications/initialized, count 55",
  "curl: tools/call, id a\\x0a1, tool read_file, count 82",
  "dockerd: sampling/createMessage, id 7, count 59",
  "curl: ok, id 7, count 40, latency 1.00ms, to sampling/createMessage",
  'dockerd: -32601, id a\\x0a1, reason not "found"\\x2c sorry, count 87, latency 3.00ms, to tools/call',
];
const framed = pieces(
  `> ${lsp('{"jsonrpc":"2.0","id":1,"method":"initialize"}')}`,
  `< ${lsp('{"jsonrpc":"2.0","id":1,"result":{}}')}${lsp('{"jsonrpc":"2.0","method":"window/logMessage"}')}`,
);
const framedTold = [
  "curl: initialize, id 1, count 68",
  "dockerd: ok, id 1, count 58, latency 1.00ms, to initialize",
  "dockerd: window/logMessage, count 68",
];

describe("jsonrpc", () => {
  test("one a line, as MCP has it", () => holds(lines, told));
  test("with Content-Length, as LSP has it", () => holds(framed, framedTold));

  test("an answer through another pipe finds its request", () => {
    expect(
      brief(tell(lines, { kind: "pipe" })).map((line) => line.replace("pipe_name /run/docker.sock, ", "")),
    ).toEqual(told);
  });

  test("what is no message, and what is no JSON-RPC", () => {
    const [question, answer] = lines;
    const log: Piece = { from: 1, at: 5, bytes: new TextEncoder().encode("listening\n") };
    expect(brief(tell([question!, answer!, log])).at(-1)).toBe("dockerd: undecoded, count 10");
    expect(brief(tell(pieces('> {"level":"info","msg":"hi"}\n')))).toEqual([
      "curl: path /run/docker.sock, count 28, src_inode 100, dst_inode 200",
    ]);
  });

  test("a message of ten megabytes takes no more memory than a short one", () => {
    const told = new Told();
    const all = pieces(
      lines[0] === undefined ? "" : `> ${new TextDecoder().decode(lines[0].bytes)}`,
      `> {"params":"${"x".repeat(100_000)}`,
      ...Array.from({ length: 99 }, () => `> ${"y".repeat(100_000)}`),
      '> ","jsonrpc":"2.0","id":3,"method":"big"}\n',
    );
    for (const piece of all) told.decoding.event(eventOf(piece, {}));
    expect(brief(told.lines).at(-1)).toBe("curl: big, id 3, count 10000052");
  });

  test("10,000 mutations", () => {
    expect(
      fuzz([...lines, ...recut(framed, new Dice(1)).slice(0, 4)], 10_000, {}, ["jsonrpc"]),
    ).toBeGreaterThan(1000);
  }, 60_000);
});
