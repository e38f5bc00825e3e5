import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Scratch } from "../vm/scratch.ts";

/** A process that makes `goal` in a room and says where it works; what it makes is whole when a line is written to it. */
const maker = `
  import { made } from "${join(import.meta.dir, "../../ffi/bundle/room.ts")}";
  import { writeFileSync } from "node:fs";
  const [goal] = process.argv.slice(2);
  await made(goal, async (room) => {
    writeFileSync(room + "/part", "half");
    console.log(room);
    for await (const _ of console) break;
    writeFileSync(room + "/part", "whole");
    return room + "/part";
  });
  console.log("made");
`;

class Maker implements AsyncDisposable {
  readonly #child;
  readonly #lines: AsyncIterator<string>;

  constructor(scratch: Scratch, goal: string) {
    writeFileSync(scratch.path("maker.ts"), maker);
    const words = [process.execPath, scratch.path("maker.ts"), goal];
    this.#child = Bun.spawn(words, { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    this.#lines = lines(this.#child.stdout);
  }

  async said(): Promise<string> {
    return (await this.#lines.next()).value;
  }

  go(): void {
    this.#child.stdin.write("go\n");
    this.#child.stdin.flush();
  }

  /** Resolves once it says that it waits for somebody. */
  async waits(): Promise<void> {
    for await (const line of lines(this.#child.stderr)) if (line.startsWith("waiting for another")) return;
    throw new Error("it does not wait");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  return rest;
}

describe("what is made in a room", () => {
  test("is in its place only when it is whole, and made once by two who want it", async () => {
    using scratch = new Scratch();
    const goal = scratch.path("goal");
    await using first = new Maker(scratch, goal);
    expect(readFileSync(join(await first.said(), "part"), "utf8")).toBe("half");
    await using second = new Maker(scratch, goal);
    await second.waits();
    expect(existsSync(goal)).toBe(false);
    first.go();
    expect([await first.said(), await second.said()]).toEqual(["made", "made"]);
    expect(readFileSync(goal, "utf8")).toBe("whole");
    expect(readdirSync(scratch.path()).sort()).toEqual([".lock", "goal", "maker.ts"]);
  });

  test("by one who is killed does not count, and is removed whatever number its process had", async () => {
    using scratch = new Scratch();
    const goal = scratch.path("goal");
    {
      await using killed = new Maker(scratch, goal);
      expect(existsSync(await killed.said())).toBe(true);
    }
    // as builds called theirs once, by the number of a process that is there again: this one
    mkdirSync(scratch.path(`bundle-of-before.${process.pid}`));
    mkdirSync(scratch.path(`partial.${process.pid}.libbpf`));
    expect(existsSync(goal)).toBe(false);
    await using next = new Maker(scratch, goal);
    await next.said();
    next.go();
    expect(await next.said()).toBe("made");
    expect(readdirSync(scratch.path()).sort()).toEqual([".lock", "goal", "maker.ts"]);
  });
});
