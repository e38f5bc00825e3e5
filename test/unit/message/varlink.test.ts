import { describe, expect, test } from "bun:test";
import { fuzz, holds, pieces } from "./talk.ts";

const all = pieces(
  '> {"method":"org.varlink.service.GetInfo"}\0',
  '< {"parameters":{"vendor":"x"}}\0',
  '> {"method":"io.systemd.UserDatabase.GetUserRecord","parameters":{"a":1},"more":true}\0{"method":"a.b.Log","oneway":true}\0',
  '< {"parameters":{"n":1},"continues":true}\0{"parameters":{"n":2}}\0',
  '> {"method":"a.b.Fail"}\0',
  '< {"error":"a.b.NotFound","parameters":{}}\0',
);

describe("varlink", () => {
  test("calls, several answers to one, errors", () => {
    holds(all, [
      "curl: org.varlink.service.GetInfo, count 41",
      "dockerd: ok, count 30, latency 1.00ms, to org.varlink.service.GetInfo",
      "curl: io.systemd.UserDatabase.GetUserRecord, more true, count 84",
      "curl: a.b.Log, count 35",
      "dockerd: continues, count 40, latency 1.00ms, to io.systemd.UserDatabase.GetUserRecord",
      "dockerd: ok, count 23, latency 1.00ms, to io.systemd.UserDatabase.GetUserRecord",
      "curl: a.b.Fail, count 22",
      "dockerd: a.b.NotFound, count 41, latency 1.00ms, to a.b.Fail",
    ]);
  });

  test("10,000 mutations", () => {
    expect(fuzz(all, 10_000, {}, ["varlink"])).toBeGreaterThan(1000);
  }, 60_000);
});
