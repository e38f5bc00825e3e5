import { describe, expect, test } from "bun:test";
import { brief, fuzz, holds, pieces, tell } from "./talk.ts";

const command = (...words: string[]) =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
const all = pieces(
  `> ${command("SET", "user:1", "x".repeat(3000))}${command("GET", "user:1")}PING\r\n`,
  `< +OK\r\n$3000\r\n${"x".repeat(3000)}\r\n+PONG\r\n`,
  `> ${command("INCR", "user:1")}${command("GET", "none")}${command("LRANGE", "l", "0", "-1")}${command("AUTH", "secret")}`,
  "< -ERR value is not an integer, or out of range\r\n$-1\r\n*2\r\n$1\r\na\r\n*1\r\n:7\r\n+OK\r\n",
  `> ${command("SUBSCRIBE", "one", "two")}`,
  `< ${command("subscribe", "one").replace("*2", "*3")}:1\r\n${command("subscribe", "two").replace("*2", "*3")}:2\r\n`,
  `< ${command("message", "one", "hello")}`,
  `> ${command("HELLO", "3")}`,
  "< %1\r\n+server\r\n+redis\r\n",
  "< >3\r\n$7\r\nmessage\r\n$3\r\none\r\n$2\r\nhi\r\n",
  `> ${command("CONFIG", "GET", "maxmemory")}`,
  "< *0\r\n",
);

describe("resp", () => {
  test("pipelines, errors, subscriptions, RESP3", () => {
    holds(all, [
      "curl: SET, key user:1, count 3034",
      "curl: GET, key user:1, count 25",
      "curl: PING, count 6",
      "dockerd: OK, count 5, latency 1.00ms, to SET",
      "dockerd: text, count 3009, latency 1.00ms, to GET",
      "dockerd: PONG, count 7, latency 1.00ms, to PING",
      "curl: INCR, key user:1, count 26",
      "curl: GET, key none, count 23",
      "curl: LRANGE, key l, count 38",
      "curl: AUTH, count 26",
      "dockerd: ERR, reason value is not an integer\\x2c or out of range, count 47, latency 1.00ms, to INCR",
      "dockerd: nil, count 5, latency 1.00ms, to GET",
      "dockerd: list of 2, count 19, latency 1.00ms, to LRANGE",
      "dockerd: OK, count 5, latency 1.00ms, to AUTH",
      "curl: SUBSCRIBE, key one, count 37",
      "dockerd: subscribe, channel one, count 32, latency 1.00ms, to SUBSCRIBE",
      "dockerd: subscribe, channel two, count 32, latency 1.00ms, to SUBSCRIBE",
      "dockerd: message, channel one, count 37",
      "curl: HELLO, count 22",
      "dockerd: map of 1, count 21, latency 1.00ms, to HELLO",
      "dockerd: message, channel one, count 34",
      "curl: CONFIG GET, key maxmemory, count 40",
      "dockerd: list of 0, count 4, latency 1.00ms, to CONFIG GET",
    ]);
  });

  test("a conversation that begins with what people type, where Redis is", () => {
    const typed = pieces("> PING\r\nget user:1\r\n", "< +PONG\r\n$1\r\na\r\n");
    holds(
      typed,
      [
        "curl: PING, count 6",
        "curl: GET, key user:1, count 12",
        "dockerd: PONG, count 7, latency 1.00ms, to PING",
        "dockerd: text, count 7, latency 1.00ms, to GET",
      ],
      { path: "/run/redis.sock" },
    );
    expect(brief(tell(typed, { path: "/run/a.sock" }))[0]).toContain("/run/a.sock");
    const page = pieces("> GET / HTTP/1.1\r\n\r\n", "< HTTP/1.1 204 No\r\n\r\n");
    holds(page, ["curl: GET /, count 18", "dockerd: 204, count 19, latency 1.00ms, to GET /"], {
      path: "/run/redis.sock",
    });
  });

  test("10,000 mutations", () => {
    expect(fuzz(all, 10_000, {}, ["resp"])).toBeGreaterThan(1000);
  }, 60_000);
});
