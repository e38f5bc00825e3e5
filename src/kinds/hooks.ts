/** Hooks whose programs are for several families of kinds, in bpf/calls.bpf.c and bpf/uring.bpf.c. */
import type { Hooks } from "../../ffi/object.ts";

/** System calls. */
export const callHooks: Hooks = {
  calls_enter: ["sys_enter"],
  calls_exit: ["sys_exit"],
  // an iterator, run once when the others are on
  calls_begun: ["task"],
};

/** Requests of io_uring. */
export const requestHooks: Hooks = {
  uring_complete: ["io_uring_complete"],
  uring_submit: ["io_uring_submit_req", "io_uring_submit_sqe"],
};

/**
 * What a look at system calls does not show of sockets: requests of io_submit(2), and lengths and addresses as they were
 * when another thread changed them meanwhile.
 */
export const blindByCalls = {
  fentry: ["aio", "racing threads"],
  kprobe: ["aio", "racing threads"],
  tracepoint: ["aio", "racing threads"],
} as const;

/** The blind spots where a kernel lacks those, as KindModule has them. */
export const withoutRequests: Readonly<Record<string, string | null>> = {
  uring_complete: "io_uring",
  uring_submit: null,
};
