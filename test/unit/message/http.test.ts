import { describe, expect, test } from "bun:test";
import { brief, bytesOf, Dice, fuzz, pieces, recut, tell } from "./talk.ts";

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const get = (path: string, rest = "") => `> GET ${path} HTTP/1.1\r\nHost: d\r\n${rest}\r\n`;
const ok = (body: string) =>
  `< HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const many = pieces(
  get("/v1.41/containers/json"),
  ok('{"a":1}'),
  "> POST /build?t=x%20y HTTP/1.1\r\ncontent-type: application/x-tar\r\nTransfer-Encoding: chunked\r\n\r\n" +
    `${chunk("x".repeat(300))}${chunk("y")}0\r\nTrailer: 1\r\n\r\n`,
  "< HTTP/1.1 100 Continue\r\n\r\n",
  "< HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n",
  "> HEAD /head HTTP/1.1\r\n\r\n",
  "< HTTP/1.1 200 OK\r\nContent-Length: 777\r\n\r\n",
  `${get("/1")}${get("/2").slice(2)}`,
  `${ok("1")}${ok("22").slice(2)}`,
  get("/events"),
  "< HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
  `< ${chunk("event: tick\nid: 7\nda")}${chunk("ta: 1\n\n: comment\n\ndata: x\r\n\r\n")}0\r\n\r\n`,
  "> GET /old HTTP/1.0\r\n\r\n",
  "< HTTP/1.0 200 OK\r\n\r\nuntil the end",
);
const told = [
  "curl: GET /v1.41/containers/json, count 48",
  "dockerd: 200, type application/json, count 92, latency 1.00ms, to GET /v1.41/containers/json",
  "curl: POST /build?t=x%20y, type application/x-tar, count 423",
  "dockerd: 100 Continue, count 25",
  "dockerd: 404, count 48, latency 2.00ms, to POST /build?t=x%20y",
  "curl: HEAD /head, count 23",
  "dockerd: 200, count 40, latency 1.00ms, to HEAD /head",
  "curl: GET /1, count 28",
  "curl: GET /2, count 28",
  "dockerd: 200, type application/json, count 86, latency 1.00ms, to GET /1",
  "dockerd: 200, type application/json, count 87, latency 1.00ms, to GET /2",
  "curl: GET /events, count 33",
  "dockerd: 200, type text/event-stream, count 80, latency 1.00ms, to GET /events",
  "dockerd: tick, id 7, count 37",
  "dockerd: message, id 7, count 22",
  "curl: GET /old, count 21",
  "dockerd: 200, count 32, latency 1.00ms, to GET /old",
];

describe("http", () => {
  test("a line", () => {
    expect(tell(pieces(get("/v1.41/containers/json"), ok('{"a":1}')))).toEqual([
      "12:34:56.000000000 http 812(curl) > 411(dockerd): GET /v1.41/containers/json, path /run/docker.sock, count 48",
      "12:34:56.001000000 http 411(dockerd) > 812(curl): 200, type application/json, count 92, latency 1.00ms, " +
        "to GET /v1.41/containers/json",
    ]);
  });

  test("keep-alive, pipelining, chunks, events, bodies that end with their connection", () => {
    expect(brief(tell(many))).toEqual(told);
  });

  test("no byte is left out, and none counted twice", () => {
    const counted = tell(many).reduce((sum, line) => sum + Number(/, count (\d+)/.exec(line)![1]), 0);
    const lastChunk = "\r\n0\r\n\r\n".length; // of the events, which is no message
    expect(counted).toBe(many.reduce((sum, { bytes }) => sum + bytes.length, 0) - lastChunk);
  });

  test("however it is cut", () => {
    for (let seed = 1; seed <= 300; seed++) expect(brief(tell(recut(many, new Dice(seed))))).toEqual(told);
  });

  test("what began before tracing is undecoded up to the next message", () => {
    const [question, answer] = [get("/x"), ok("1")];
    const all = pieces(`< rest of a body${answer.slice(2)}`, question, answer);
    expect(brief(tell([all[1]!, all[0]!, all[2]!].map((piece, at) => ({ ...piece, at: at * 5 }))))).toEqual([
      "curl: GET /x, count 28",
      "dockerd: undecoded, count 14",
      "dockerd: 200, type application/json, count 86, latency 5.00ms, to GET /x",
      "dockerd: 200, type application/json, count 86",
    ]);
  });

  test("holes within a body are missing bytes; within a header the message is undecoded", () => {
    const all = pieces(
      get("/x"),
      "< HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegins",
      get("/y"),
      ok("1"),
    );
    const [question, answer, ...rest] = all;
    expect(brief(tell([question!, { ...answer!, missing: 94 }, ...rest]))).toEqual([
      "curl: GET /x, count 28",
      "dockerd: 200, count 140, missing 94, latency 1.00ms, to GET /x",
      "curl: GET /y, count 28",
      "dockerd: 200, type application/json, count 86, latency 1.00ms, to GET /y",
    ]);
    const cut = { ...answer!, bytes: answer!.bytes.subarray(0, 20), missing: 126 };
    expect(brief(tell([question!, cut, ...rest]))).toEqual([
      "curl: GET /x, count 28",
      "curl: GET /y, count 28",
      "dockerd: undecoded, count 146, missing 126",
      "dockerd: 200, type application/json, count 86, latency 1.00ms, to GET /y",
    ]);
  });

  test("after a loss a message that had begun is undecoded", () => {
    const [a, b, c, d] = pieces(
      get("/x"),
      "< HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234",
      get("/y"),
      ok("1"),
    );
    expect(brief(tell([a!, b!, "unix-stream", c!, d!]))).toEqual([
      "curl: GET /x, count 28",
      "curl: GET /y, count 28",
      "dockerd: undecoded, count 42",
      "dockerd: 200, type application/json, count 86, latency 1.00ms, to GET /y",
    ]);
  });

  test("an answer that was seen a moment before its request", () => {
    const [question, answer] = pieces(get("/x"), ok("1"));
    const all = [
      { ...answer!, at: 0.5 },
      { ...question!, at: 1 },
      ...pieces(get("/y"), ok("2")).map((piece) => ({ ...piece, at: piece.at + 50 })),
    ];
    expect(brief(tell(all))).toEqual([
      "curl: GET /x, count 28",
      "dockerd: 200, type application/json, count 86, latency 0ns, to GET /x",
      "curl: GET /y, count 28",
      "dockerd: 200, type application/json, count 86, latency 1.00ms, to GET /y",
    ]);
  });

  test("requests that nobody answered are told at the end", () => {
    expect(tell(pieces(get("/x")))).toEqual([
      "12:34:56.000000000 http 812(curl) > 411(dockerd): GET /x, path /run/docker.sock, count 28",
      "12:34:57.000000000 http 812(curl) > 411(dockerd): unanswered GET /x, path /run/docker.sock, waiting 1.00s",
    ]);
  });

  test("--slow and --errors", () => {
    const [question, answer, ...rest] = many;
    const late = [question!, answer!, ...rest.map((piece) => ({ ...piece, at: piece.at * 10 }))];
    expect(brief(tell(late, {}, undefined, { slow: 15e6 }))).toEqual([
      "dockerd: 404, count 48, latency 20.0ms, to POST /build?t=x%20y",
    ]);
    expect(brief(tell(many, {}, undefined, { errors: true }))).toEqual([
      "dockerd: 404, count 48, latency 2.00ms, to POST /build?t=x%20y",
    ]);
  });

  test("after an upgrade it is something else", () => {
    const all = pieces(
      get("/attach", "Upgrade: tcp\r\nConnection: Upgrade\r\n"),
      "< HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nfirst",
      "> raw",
    );
    expect(brief(tell(all))).toEqual([
      "curl: GET /attach, upgrade tcp, count 68",
      "dockerd: 101, upgrade tcp, count 39, latency 1.00ms, to GET /attach",
      "dockerd: undecoded, count 5",
      "curl: path /run/docker.sock, count 3, src_inode 100, dst_inode 200",
    ]);
  });

  test("what is none of it stays what it is", () => {
    expect(brief(tell(pieces("> GET out of here\n", "< HTTPS\n", "> G")))).toEqual([
      "curl: path /run/docker.sock, count 16, src_inode 100, dst_inode 200",
      "dockerd: path /run/docker.sock, count 6, src_inode 200, dst_inode 100",
      "curl: path /run/docker.sock, count 1, src_inode 100, dst_inode 200",
    ]);
  });

  test("names can't forge a line, nor act on a terminal", () => {
    const line = brief(tell([{ from: 0, at: 0, bytes: bytesOf("GET /\x1b[2J,\xff HTTP/1.1\r\n\r\n") }]))[0];
    expect(line).toBe("curl: GET /\\x1b[2J,\\xff, count 24");
  });

  test("10,000 mutations neither throw nor hang", () => {
    expect(fuzz(many, 10_000, {}, ["http"])).toBeGreaterThan(10_000);
  }, 60_000);
});
