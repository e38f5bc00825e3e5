/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Tracepoint programs that run in process context, each made twice: raw, which
 * costs least, and by perf, which keeps preemption off. Since 7.x a raw one can
 * be preempted, and until it goes on the kernel skips it for whoever else comes
 * by on that CPU. src/attach/preemption.ts says which of the two is taken.
 */
#ifndef HOOK_H
#define HOOK_H
#include "syscall.h"
#include "who.h"
#include <bpf/bpf_tracing.h>

/* body(struct pt_regs *regs, long number) */
#define ON_SYS_ENTER(hook, body)                                                                   \
	SEC("?tp_btf/sys_enter")                                                                   \
	int BPF_PROG(hook, struct pt_regs *regs, long number)                                      \
	{                                                                                          \
		return and_who(body(regs, number));                                                \
	}                                                                                          \
	SEC("?tp/raw_syscalls/sys_enter")                                                          \
	int hook##__perf(struct trace_event_raw_sys_enter *event)                                  \
	{                                                                                          \
		return and_who(body(current_regs(), event->id));                                   \
	}

/* body(struct pt_regs *regs, long result) */
#define ON_SYS_EXIT(hook, body)                                                                    \
	SEC("?tp_btf/sys_exit")                                                                    \
	int BPF_PROG(hook, struct pt_regs *regs, long result)                                      \
	{                                                                                          \
		return and_who(body(regs, result));                                                \
	}                                                                                          \
	SEC("?tp/raw_syscalls/sys_exit")                                                           \
	int hook##__perf(struct trace_event_raw_sys_exit *event)                                   \
	{                                                                                          \
		return and_who(body(current_regs(), event->ret));                                  \
	}

/* body(struct sock *sk) */
#define ON_DATA_READY(hook, body)                                                                  \
	SEC("?tp_btf/sk_data_ready")                                                               \
	int BPF_PROG(hook, struct sock *sk)                                                        \
	{                                                                                          \
		return and_who(body(sk));                                                          \
	}                                                                                          \
	SEC("?tp/sock/sk_data_ready")                                                              \
	int hook##__perf(struct trace_event_raw_sk_data_ready *event)                              \
	{                                                                                          \
		return and_who(body((struct sock *)event->skaddr));                                \
	}

/* body(struct sock *sk, int result) */
#define ON_SOCK_SENT(hook, body)                                                                   \
	SEC("?tp_btf/sock_send_length")                                                            \
	int BPF_PROG(hook, struct sock *sk, int result)                                            \
	{                                                                                          \
		return and_who(body(sk, result));                                                  \
	}                                                                                          \
	SEC("?tp/sock/sock_send_length")                                                           \
	int hook##__perf(struct trace_event_raw_sock_msg_length *event)                            \
	{                                                                                          \
		return and_who(body((struct sock *)event->sk, event->ret));                        \
	}

/* body(struct sock *sk, int result, int flags) */
#define ON_SOCK_RECEIVED(hook, body)                                                               \
	SEC("?tp_btf/sock_recv_length")                                                            \
	int BPF_PROG(hook, struct sock *sk, int result, int flags)                                 \
	{                                                                                          \
		return and_who(body(sk, result, flags));                                           \
	}                                                                                          \
	SEC("?tp/sock/sock_recv_length")                                                           \
	int hook##__perf(struct trace_event_raw_sock_msg_length *event)                            \
	{                                                                                          \
		return and_who(body((struct sock *)event->sk, event->ret, event->flags));          \
	}

/* body(const struct sk_buff *skb, u32 length) */
#define ON_SOCKET_COPY(hook, body)                                                                 \
	SEC("?tp_btf/skb_copy_datagram_iovec")                                                     \
	int BPF_PROG(hook, const struct sk_buff *skb, int length)                                  \
	{                                                                                          \
		return and_who(body(skb, length));                                                 \
	}                                                                                          \
	SEC("?tp/skb/skb_copy_datagram_iovec")                                                     \
	int hook##__perf(struct trace_event_raw_skb_copy_datagram_iovec *event)                    \
	{                                                                                          \
		return and_who(body(event->skbaddr, event->len));                                  \
	}

#endif
