/** Runs BPF programs: of their instructions those that test/unit/prune.test.ts writes. */

/** What is in map 7, whose value no program can change. */
export const constants = Uint32Array.of(0, 1, 5, 0xffffffff);

/** One of BPF: code, dst, src, off, imm */
export type Insn = [number, number, number, number, number];

export const wide = 0x18;
export const call = 0x85;
export const jump = 0x05;
export const exit: Insn = [0x95, 0, 0, 0, 0];
export const move = (to: number, value: number): Insn => [0xb7, to, 0, 0, value];
/** What a program asks of the kernel, with what, and what it returns. */
export function run(program: readonly Insn[]): string[] {
  const said: string[] = [];
  const signed = (value: bigint, bits: number) => BigInt.asIntN(bits, value);
  const bytes = Buffer.from(constants.buffer);
  function go(start: number): bigint {
    const registers = new Array<bigint>(11).fill(0n);
    for (let at = start; ; at++) {
      const [code, to, from, offset, immediate] = program[at]!;
      const bits = (code & 7) === 4 || (code & 7) === 6 ? 32 : 64;
      const a = BigInt.asUintN(bits, registers[to]!);
      const b = BigInt.asUintN(bits, (code & 8) !== 0 ? registers[from]! : BigInt(immediate));
      if (code === exit[0]) return registers[0]!;
      if (code === wide) {
        registers[to] = from === 2 ? BigInt(immediate * 1000 + program[++at]![4]) : BigInt(immediate);
        if (from !== 2) at++;
      } else if (code === call && from === 1) {
        registers[0] = go(at + 1 + immediate);
        registers.fill(9n, 1, 6);
      } else if (code === call) {
        said.push(`${immediate} ${registers[1]}`);
        registers[0] = BigInt((said.length * 7) % 3);
        registers.fill(9n, 1, 6);
      } else if ((code & 7) === 1) {
        const where = Number(registers[from]!) + offset;
        registers[to] = where >= 7000 && where <= 7012 ? BigInt(bytes.readUInt32LE(where - 7000)) : 77n;
      } else if ((code & 7) === 5 || (code & 7) === 6) {
        const [x, y] = [signed(a, bits), signed(b, bits)];
        const is = [true, a === b, a > b, a >= b, (a & b) !== 0n, a !== b, x > y, x >= y];
        const less = [a < b, a <= b, x < y, x <= y];
        if ([...is, false, false, ...less][code >> 4]) at += offset;
      } else {
        const shift = b & BigInt(bits - 1);
        const results: Record<number, bigint> = {
          0: a + b,
          1: a - b,
          2: a * b,
          4: a | b,
          5: a & b,
        };
        const more: Record<number, bigint> = {
          6: a << shift,
          7: a >> shift,
          10: a ^ b,
          11: b,
        };
        const arithmetic = signed(a, bits) >> shift;
        registers[to] = BigInt.asUintN(bits, { ...results, ...more, 12: arithmetic }[code >> 4]!);
      }
    }
  }
  said.push(`returned ${go(0)}`);
  return said;
}
