/** Our own number for BPF programs, which go by the initial pid namespace whatever the tracer's is. */
import { NativeError } from "./error.ts";
import type { Libbpf } from "./libbpf.ts";
import { close } from "./libc.ts";

/** BPF_PROG_TYPE_RAW_TRACEPOINT: can be run by hand, as the caller */
const rawTracepoint = 17;
/** struct bpf_insn: code, dst_reg | src_reg << 4, off, imm */
const instructions = Int32Array.of(
  ...[0x85, 14], // call bpf_get_current_pid_tgid
  ...[0x77, 32], // r0 >>= 32
  ...[0x95, 0], // exit
);
/** struct bpf_test_run_opts: words, and where the kernel puts what the program returned */
const runWords = 20;
const returnedWord = 14;

/** Our thread group's id in the initial pid namespace. @throws NativeError before Linux 5.10 */
export function initialTgid(libbpf: Libbpf): number {
  const what = "our own process from inside a pid namespace";
  const licence = new TextEncoder().encode("GPL\0");
  const count = instructions.length / 2;
  const program = libbpf.bpf_prog_load(rawTracepoint, null, licence, instructions, count, null);
  if (program < 0) throw new NativeError("find", what, program);
  try {
    const run = new Uint32Array(runWords);
    run[0] = run.byteLength; // size_t sz
    const result = libbpf.bpf_prog_test_run_opts(program, run);
    if (result < 0) throw new NativeError("find", what, result);
    return run[returnedWord]!;
  } finally {
    close(program);
  }
}
