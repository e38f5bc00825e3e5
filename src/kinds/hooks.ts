/** Hooks whose programs are for several families of kinds, those of calls and requests. */
import type { Backend, Hooks } from "../../ffi/program.ts";

/** System calls. */
export const callHooks: Hooks = {
  calls_enter: ["sys_enter"],
  calls_exit: ["sys_exit"],
  // an iterator, run once when the others are on
  calls_begun: ["task"],
};

/** Messages that sockets were given to send, and what requests of io_submit(2) received from them. */
const sendHooks: Hooks = {
  sends_length: ["sock_send_length"],
  sends_received: ["sock_recv_length"],
};

/** What sockets give to those who receive. */
const copyHooks: Hooks = {
  copies_out: ["skb_copy_datagram_iovec"],
};

/** Requests of io_uring. */
export const requestHooks: Hooks = {
  uring_complete: ["io_uring_complete"],
  uring_submit: ["io_uring_submit_req", "io_uring_submit_sqe"],
  uring_wake: ["io_uring_task_add"],
};

/** Who has what open: an iterator, run whenever that is asked; and what they were called before. */
export const holderHooks: Hooks = {
  holders_open: ["task_file"],
  holders_renamed: ["task_rename"],
};

/** Without the one /proc is asked, which says the same; without the other it says who they are by now. */
export const withoutHolders: Readonly<Record<string, string | null>> = {
  holders_open: null,
  holders_renamed: null,
};

/** What holds bytes: likewise. */
export const unreadHooks: Hooks = {
  descriptors_open: ["task_file"],
};

/** Without it what is left unread is not told. */
export const withoutUnread: Readonly<Record<string, string | null>> = { descriptors_open: null };

/** All hooks that the families of sockets share. */
export const socketHooks: Hooks = {
  ...callHooks,
  ...sendHooks,
  ...copyHooks,
  ...requestHooks,
  ...holderHooks,
  ...unreadHooks,
};

/**
 * What the return of a call, or of a function, does not show of sockets: contents that another thread has changed
 * meanwhile, and with calls addresses, too.
 */
export const blindByCalls = {
  fentry: ["racing threads"],
  kprobe: ["racing threads"],
  tracepoint: ["racing threads"],
} as const;

/** The blind spots where a kernel lacks those, as KindModule has them: requests of io_submit(2). */
const withoutSends: Readonly<Record<string, string | null>> = { sends_length: "aio", sends_received: "aio" };

/** The blind spots where a kernel lacks those, as KindModule has them. */
export const withoutRequests: Readonly<Record<string, string | null>> = {
  uring_complete: "io_uring",
  uring_submit: null,
  uring_wake: null,
};

/** The same of `socketHooks`. */
export const withoutSocketHooks: Readonly<Record<string, string | null>> = {
  copies_out: null,
  ...withoutSends,
  ...withoutRequests,
  ...withoutHolders,
  ...withoutUnread,
};

/** What looks at calls and requests, for kinds that functions show where those can be hooked. */
export const withinCalls: Readonly<Record<string, readonly Backend[]>> = {
  ...Object.fromEntries(
    Object.keys({ ...callHooks, ...sendHooks, ...requestHooks }).map((hook) => [
      hook,
      ["tracepoint"] as const,
    ]),
  ),
  functions_begun: ["fentry", "kprobe"],
};
