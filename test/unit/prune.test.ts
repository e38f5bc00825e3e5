/** Programs do the same without what ffi/bundle/prune.c takes out of them: run by an interpreter before and after. */
import { dlopen } from "bun:ffi";
import { beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { call, constants, exit, type Insn, jump, move, run, wide } from "./interpreter.ts";

const source = `
#include "known.c"
#include "prune.c"
/* the read-only map is 7, and has 16 bytes */
static const void *constant(void *context, int map, __u64 offset, __u32 size)
{
	return map == 7 && offset <= 16 - size ? (char *)context + offset : NULL;
}
__attribute__((visibility("default"))) void
prune_all(void *insns, void *functions, void *lines, void *bytes, __u32 *counts)
{
	struct code code = {insns, counts[0], functions, 8, counts[1], lines, 16, counts[2]};
	prune(&code, constant, bytes);
	counts[0] = code.count;
	counts[1] = code.function_count;
	counts[2] = code.line_count;
}`;

const arguments_ = ["ptr", "ptr", "ptr", "ptr", "ptr"] as const;

/** an address in the read-only map, or in another one */
const address = (to: number, at: number, map = 7): Insn[] => [
  [wide, to, 2, 0, map],
  [0, 0, 0, 0, at],
];
const helper = (id: number): Insn => [call, 0, 0, 0, id];

let pruneAll: (insns: Int32Array, functions: Uint32Array, lines: Uint32Array, counts: Uint32Array) => void;

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), "ipcdump-prune-"));
  const library = join(folder, "prune.so");
  const flags = ["-std=gnu89", "-O1", "-Wall", "-Werror", "-fPIC", "-shared", "-o", library];
  const made = Bun.spawnSync(["cc", ...flags, `-I${join(import.meta.dir, "../../ffi/bundle")}`, "-xc", "-"], {
    stdin: new TextEncoder().encode(source),
  });
  expect(made.stderr.toString()).toBe("");
  const { symbols } = dlopen(library, {
    prune_all: { args: arguments_, returns: "void" },
  });
  rmSync(folder, { recursive: true });
  pruneAll = (insns, functions, lines, counts) =>
    symbols.prune_all(insns, functions, lines, constants, counts);
}, 60_000);

/** The program without what can't run; `lines` says of each instruction which it was. */
function pruned(program: readonly Insn[], functions: readonly number[]) {
  const words = new Int32Array(program.length * 2);
  const halves = new Int16Array(words.buffer);
  for (const [i, [code, to, from, offset, immediate]] of program.entries()) {
    halves[i * 4] = code | (to << 8) | (from << 12);
    halves[i * 4 + 1] = offset;
    words[i * 2 + 1] = immediate;
  }
  const names = Uint32Array.from(functions.flatMap((at) => [at, at]));
  const starts = program.flatMap((_, i) => (program[i - 1]?.[0] === wide ? [] : [i]));
  const lines = Uint32Array.from(starts.flatMap((at) => [at, 0, 0, at]));
  const counts = Uint32Array.of(program.length, functions.length, starts.length);
  pruneAll(words, names, lines, counts);
  const insns = Array.from({ length: counts[0]! }, (_, i): Insn => {
    const head = halves[i * 4]!;
    return [head & 0xff, (head >> 8) & 15, (head >> 12) & 15, halves[i * 4 + 1]!, words[i * 2 + 1]!];
  });
  const pairs = (records: Uint32Array, size: number, count: number, at: number): [number, number][] =>
    Array.from({ length: count }, (_, i) => [records[i * size]!, records[i * size + at]!]);
  return {
    insns,
    functions: pairs(names, 2, counts[1]!, 1),
    lines: pairs(lines, 4, counts[2]!, 3),
  };
}

/** A program of some functions, that jump forwards and call those behind them. */
function written(random: (below: number) => number): {
  program: Insn[];
  functions: number[];
} {
  const bodies = Array.from({ length: 4 }, (_, which) => {
    const body: Insn[] = Array.from({ length: 10 }, (_, to) => move(to, random(6) - 3));
    for (let n = 0; n < 40; n++) {
      const [to, from] = [random(10), random(10)];
      const operation = [0, 1, 2, 4, 5, 6, 7, 10, 11, 12][random(10)]!;
      const condition = [0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13][random(12)]!;
      const kind = random(8);
      if (kind === 0) body.push(helper(1 + random(5)));
      else if (kind === 1 && which < 3) body.push([call, 0, 1, 0, 1000 * (which + 1 + random(3 - which))]);
      else if (kind === 2) body.push(...address(to, 4 * random(4), 7 + random(2)), [0x61, to, to, 0, 0]);
      else if (kind <= 4)
        body.push([(operation << 4) | (random(2) * 8) | (random(2) ? 7 : 4), to, from, 0, random(5) - 2]);
      // where it goes is decided when all is there; without a condition there is none of 32 bits
      else
        body.push([
          (condition << 4) + (condition && random(2) * 8) + (condition && random(2)) + jump,
          to,
          from,
          -1,
          random(4) - 1,
        ]);
    }
    body.push(exit);
    const starts = body.flatMap((_, i) => (body[i - 1]?.[0] === wide ? [] : [i]));
    for (const [i, insn] of body.entries()) {
      const behind = starts.filter((start) => start > i && start < i + 12);
      if (insn[3] === -1) insn[3] = behind[random(behind.length)]! - i - 1;
    }
    return body;
  });
  const functions = bodies.map((_, i) => bodies.slice(0, i).reduce((sum, { length }) => sum + length, 0));
  const program = bodies.flat();
  for (const [i, insn] of program.entries())
    if (insn[0] === call && insn[2] === 1) insn[4] = functions[insn[4] / 1000]! - i - 1;
  return { program, functions };
}

describe("what can't run is taken out of a program", () => {
  test("what is left does the same, for any program", () => {
    let removed = 0;
    for (let seed = 1; seed <= 150; seed++) {
      let state = seed;
      const random = (below: number) => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return (state >>> 8) % below;
      };
      const { program, functions } = written(random);
      const { insns, ...records } = pruned(program, functions);
      expect({ seed, said: run(insns) }).toEqual({ seed, said: run(program) });
      const starts = insns.flatMap((_, i) => (insns[i - 1]?.[0] === wide ? [] : [i]));
      expect(records.lines.map(([at]) => at)).toEqual(starts);
      const ordinary = records.lines.filter(([at]) => insns[at]![0] !== jump);
      expect(ordinary.map(([at]) => insns[at]!.slice(0, 3))).toEqual(
        ordinary.map(([, was]) => program[was]!.slice(0, 3)),
      );
      expect(starts).toEqual(expect.arrayContaining(records.functions.map(([at]) => at)));
      removed += program.length - insns.length;
    }
    expect(removed).toBeGreaterThan(150 * 30);
  });

  test("branches on read-only data, and functions that nobody calls any more", () => {
    const program: Insn[] = [
      ...address(1, 4), // r1 = the third constant, 5
      [0x61, 1, 1, 4, 0],
      [0x15, 1, 0, 2, 0], // if (r1) the first function
      [call, 0, 1, 0, 3],
      [jump, 0, 0, 1, 0],
      [call, 0, 1, 0, 3], // else the second one
      exit,
      move(0, 1),
      exit,
      move(0, 2),
      exit,
    ];
    expect(pruned(program, [0, 8, 10])).toEqual({
      insns: [...address(1, 4), [0x61, 1, 1, 4, 0], [call, 0, 1, 0, 1], exit, move(0, 1), exit],
      functions: [
        [0, 0],
        [5, 8],
      ],
      lines: [0, 2, 4, 7, 8, 9].map((was, i) => [i === 0 ? 0 : i + 1, was]),
    });
  });

  test("a loop whose end is not known stays, as does what another map says", () => {
    const program: Insn[] = [
      ...address(1, 0, 8), // another map's
      [0x61, 1, 1, 0, 0],
      [0x15, 1, 0, 3, 0],
      move(6, 0), // r6 = 0; do r6++; while (r6 < 10)
      [0x07, 6, 0, 0, 1],
      [0xa5, 6, 0, -2, 10],
      move(0, 1),
      exit,
    ];
    expect(pruned(program, [0]).insns).toEqual(program);
  });

  test("a jump of a kind that it does not know leaves all as it is", () => {
    const program: Insn[] = [[0x06, 0, 0, 0, 1], move(0, 1), [jump, 0, 0, 1, 0], move(0, 2), exit];
    expect(pruned(program, [0]).insns).toEqual(program);
  });
});
