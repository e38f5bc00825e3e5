import { describe, expect, test } from "bun:test";
import { fuzz, holds, type Piece, pieces, u32be } from "./talk.ts";

const path = "/tmp/ssh-x/agent.7";
const message = (type: number, body = "") => `${u32be(1 + body.length)}${String.fromCharCode(type)}${body}`;
const all = pieces(
  `> ${message(11)}`,
  `< ${message(12, `${u32be(2)}${"k".repeat(600)}`)}`,
  `> ${message(27, `${u32be(24)}session-bind@openssh.com${"x".repeat(100)}`)}${message(13, "y".repeat(300))}`,
  `< ${message(28)}${message(14, "z".repeat(80))}`,
  `> ${message(18)}`,
  `< ${message(5)}`,
);

describe("ssh-agent", () => {
  test("requests and their answers", () => {
    const lines = [
      "curl: request-identities, count 5",
      "dockerd: identities-answer, keys 2, count 609, latency 1.00ms, to request-identities",
      "curl: extension, extension session-bind@openssh.com, count 133",
      "curl: sign-request, count 305",
      "dockerd: extension-failure, count 5, latency 1.00ms, to extension",
      "dockerd: sign-response, count 85, latency 1.00ms, to sign-request",
      "curl: remove-identity, count 5",
      "dockerd: failure, count 5, latency 1.00ms, to remove-identity",
    ];
    holds(all, lines, { path });
    // whatever the path: the length may come by itself
    const [first, ...rest] = all as [Piece, ...Piece[]];
    const apart = [first.bytes.subarray(0, 4), first.bytes.subarray(4)].map((bytes) => ({ ...first, bytes }));
    holds([...apart, ...rest], lines, { path: "/run/keys" });
  });

  test("10,000 mutations", () => {
    expect(fuzz(all, 10_000, { path }, ["ssh-agent"])).toBeGreaterThan(1000);
  }, 60_000);
});
