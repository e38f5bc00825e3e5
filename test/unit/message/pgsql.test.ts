import { describe, expect, test } from "bun:test";
import { fuzz, holds, pieces, u32be } from "./talk.ts";

const path = "/run/postgresql/.s.PGSQL.5432";
const message = (type: string, body = "") => `${type}${u32be(body.length + 4)}${body}`;
const startup = (words: string) => `${u32be(words.length + 8, 3 << 16)}${words}`;
const ready = message("Z", "I");
const all = pieces(
  `> ${u32be(8, 80877103)}`,
  "< N",
  `> ${startup("user\0me\0database\0db\0\0")}`,
  `< ${message("R", u32be(0))}${message("S", "TimeZone\0UTC\0")}${message("K", u32be(1, 2))}${ready}`,
  `> ${message("Q", "SELECT 1;\n  SELECT 2\0")}`,
  `< ${message("T", "t".repeat(30))}${message("D", "d".repeat(2000))}${message("C", "SELECT 1\0")}${message("T", "t")}${message("D", "d")}${message("C", "SELECT 1\0")}${ready}`,
  `> ${message("P", "s1\0SELECT $1\0\0\0")}${message("B", "\0s1\0\0\0\0\x01")}${message("D", "P\0")}${message("E", `\0${u32be(0)}`)}${message("S")}`,
  `< ${message("1")}${message("2")}${message("T", "t")}${message("D", "d")}${message("C", "SELECT 1\0")}${ready}`,
  `> ${message("P", "\0SELEC\0\0\0")}${message("B", "\0\0\0\0\0\0")}${message("E", `\0${u32be(0)}`)}${message("S")}`,
  `< ${message("E", "SERROR\0VERROR\0C42601\0Msyntax error\0\0")}${ready}`,
  `> ${message("Q", "COPY t FROM STDIN\0")}`,
  `< ${message("G", "\0\0\0")}`,
  `> ${message("d", "1\n")}${message("d", "x".repeat(3000))}${message("c")}`,
  `< ${message("C", "COPY 2\0")}${ready}`,
  `< ${message("A", `${u32be(7)}news\0hi\0`)}${message("N", "SNOTICE\0C00000\0Mhello\0\0")}`,
  `> ${message("Q", "SELECT nonsense\0")}`,
  `< ${message("E", "SERROR\0VERROR\0C42703\0Mno column\0\0")}${ready}`,
  `> ${message("X")}`,
);

describe("pgsql", () => {
  test("startup, simple and extended queries, COPY, errors", () => {
    holds(
      all,
      [
        "curl: ssl, count 8",
        "dockerd: N, count 1, latency 1.00ms, to ssl",
        "curl: startup, user me, database db, count 29",
        "dockerd: ok, count 46, latency 1.00ms, to startup",
        "curl: SELECT 1; SELECT 2, count 26",
        "dockerd: SELECT 1; SELECT 1, rows 2, count 2086, latency 1.00ms, to SELECT 1; SELECT 2",
        "curl: parse s1: SELECT $1, count 20",
        "curl: bind s1: SELECT $1, count 13",
        "curl: describe <unnamed>: SELECT $1, count 7",
        "curl: execute s1: SELECT $1, count 10",
        "curl: sync, count 5",
        "dockerd: ok, count 5, latency 1.00ms, to parse s1: SELECT $1",
        "dockerd: ok, count 5, latency 1.00ms, to bind s1: SELECT $1",
        "dockerd: ok, count 6, latency 1.00ms, to describe <unnamed>: SELECT $1",
        "dockerd: SELECT 1, rows 1, count 20, latency 1.00ms, to execute s1: SELECT $1",
        "dockerd: ok, count 6, latency 1.00ms, to sync",
        "curl: parse <unnamed>: SELEC, count 14",
        "curl: bind <unnamed>: SELEC, count 11",
        "curl: execute <unnamed>: SELEC, count 10",
        "curl: sync, count 5",
        "dockerd: 42601, reason syntax error, count 41, latency 1.00ms, to parse <unnamed>: SELEC",
        "dockerd: ok, count 6, latency 1.00ms, to sync",
        "curl: COPY t FROM STDIN, count 23",
        "curl: copy done, count 3017",
        "dockerd: COPY 2, count 26, latency 3.00ms, to COPY t FROM STDIN",
        "dockerd: notify, channel news, count 17",
        "dockerd: notice, reason hello, count 28",
        "curl: SELECT nonsense, count 21",
        "dockerd: 42703, reason no column, count 44, latency 1.00ms, to SELECT nonsense",
        "curl: terminate, count 5",
      ],
      { path },
    );
  });

  test("10,000 mutations", () => {
    expect(fuzz(all, 10_000, { path }, ["pgsql"])).toBeGreaterThan(1000);
  }, 60_000);
});
