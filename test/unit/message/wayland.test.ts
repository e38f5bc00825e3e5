import { describe, expect, test } from "bun:test";
import { fuzz, holds, pieces, u32 } from "./talk.ts";

const path = "/run/user/1000/wayland-0";
const message = (object: number, opcode: number, body = "") =>
  u32(object, ((body.length + 8) << 16) | opcode) + body;
const text = (value: string) => {
  const whole = `${value}\0`;
  return u32(whole.length) + whole + "\0".repeat((4 - (whole.length % 4)) % 4);
};
const all = pieces(
  `> ${message(1, 1, u32(2))}${message(1, 0, u32(3))}`,
  `< ${message(2, 0, u32(1) + text("wl_compositor") + u32(5))}${message(3, 0, u32(77))}${message(1, 1, u32(3))}`,
  `> ${message(2, 0, u32(1) + text("wl_compositor") + u32(5, 4))}${message(4, 0, u32(5))}${message(5, 3, u32(3))}${message(5, 6)}`,
  `< ${message(3, 0, u32(1234))}`,
  `< ${message(1, 0, u32(5, 1) + text("no such buffer"))}`,
);

describe("wayland", () => {
  test("objects, requests, events, callbacks", () => {
    holds(
      all,
      [
        "curl: wl_display.get_registry, object 1, count 12",
        "curl: wl_display.sync, id 3, object 1, count 12",
        "dockerd: wl_registry.global, object 2, count 36",
        "dockerd: done, id 3, count 12, latency 1.00ms, to wl_display.sync",
        "dockerd: wl_display.delete_id, object 1, count 12",
        "curl: wl_registry.bind, object 2, bound wl_compositor, version 5, count 40",
        "curl: wl_compositor.create_surface, object 4, count 12",
        "curl: wl_surface.frame, id 3, object 5, count 12",
        "curl: wl_surface.commit, object 5, count 8",
        "dockerd: done, id 3, count 12, latency 1.00ms, to wl_surface.frame",
        "dockerd: wl_display.error, count 36",
      ],
      { path },
    );
  });

  test("10,000 mutations", () => {
    expect(fuzz(all, 10_000, { path }, ["wayland"])).toBeGreaterThan(1000);
  }, 60_000);
});
