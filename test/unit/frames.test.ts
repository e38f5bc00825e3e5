import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Config } from "../../src/layout.ts";
import { Frames } from "./frames.ts";

/** of the kernel: MAX_BPF_STACK, MAX_CALL_FRAMES */
const most = { bytes: 512, frames: 8 };
const object = readFileSync(new URL("../../dist/ipcdump.bpf.o", import.meta.url).pathname);
const all = 0x7fe;

function configured(change: (config: Config) => void): Uint32Array {
  const config = new Config(new Uint32Array(Config.size / 4));
  config.contents = 1;
  config.kinds = all;
  change(config);
  return config.words;
}

/** Programs that kernels would refuse, and why. */
function refused(config: Uint32Array): string[] {
  const frames = new Frames(object, config);
  expect(frames.programs.length).toBeGreaterThan(50);
  return frames.programs.flatMap((name) => {
    const { bytes, frames: count, deepest } = frames.chain(name);
    if (bytes <= most.bytes && count <= most.frames) return [];
    return [`${bytes} bytes, ${count} frames: ${deepest.join(", ")}`];
  });
}

describe("no chain of calls needs more stack than kernels give", () => {
  test("by system calls", () => {
    expect(refused(configured((config) => (config.calls = all)))).toEqual([]);
  });

  test("by functions", () => {
    expect(refused(configured(() => {}))).toEqual([]);
  });

  test("with filters, and whatever else makes it longer", () => {
    const config = configured((words) => {
      words.calls = all;
      words.pidNamespace = 1;
      words.pidGroups = 1;
      words.commGroups = 1;
      words.followedGroups = 1;
      words.noSelf = 1;
      words.globs = 1;
      words.who = 1;
      words.whoGroups = 1;
    });
    expect(refused(config)).toEqual([]);
  });
});
