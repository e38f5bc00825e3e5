/** Whether programs on functions (fentry) are refused here: asked with none, which costs no look at the BTF. */
import { Errno } from "./error.ts";
import type { Libbpf } from "./libbpf.ts";
import { close } from "./libc.ts";

/** BPF_PROG_TYPE_TRACING and two of its attach types */
const tracing = 26;
const rawTracepoint = 23;
const functionEntry = 24;
/** struct bpf_insn: code, dst_reg | src_reg << 4, off, imm */
const instructions = Int32Array.of(
  ...[0xb7, 0], // r0 = 0
  ...[0x95, 0], // exit
);

/**
 * A program for no function at all is invalid (EINVAL). Where its kind is not permitted in the first place it is
 * EPERM, as in sandboxes that filter bpf(2). Saves loading everything only to be told so.
 */
export function refusesTrampolines(libbpf: Libbpf): boolean {
  return load(libbpf, functionEntry) === -Errno.EPERM && load(libbpf, rawTracepoint) !== -Errno.EPERM;
}

function load(libbpf: Libbpf, attachType: number): number {
  const licence = new TextEncoder().encode("GPL\0");
  // struct bpf_prog_load_opts { size_t sz; int attempts; enum bpf_attach_type expected_attach_type; … }
  const options = Uint32Array.of(16, 0, 1, attachType);
  const count = instructions.length / 2;
  const result = libbpf.bpf_prog_load(tracing, null, licence, instructions, count, options);
  if (result >= 0) close(result);
  return result;
}
