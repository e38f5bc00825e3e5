/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where programs stand at a function. At its return a trampoline has the arguments still, a kprobe has them no more:
 * what is wanted of them is kept from the entry. A kprobe.session is one program for both; that it returns is told by
 * where it came from, for the kfunc that says so has another prototype in each kernel.
 */
#ifndef FUNCTION_HOOK_H
#define FUNCTION_HOOK_H
#include "emit.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define KEPT 16384
#define ENTRY_BYTES 64 /* the first instruction, and what is patched in front of it */

/* Of functions that keep: a thread may be in several at once. Below the alignment of a task_struct */
enum kept_by {
	KEPT_BY_SEND,
	KEPT_BY_PAGE,
	KEPT_BY_CONNECT,
	KEPT_BY_ACCEPT,
	KEPT_BY_MPTCP_ACCEPT, /* which may call the other one */
	KEPT_BY_SPLICE,
	KEPT_BY_OPTION,
	KEPT_BY_TERMINAL,
	KEPT_BY_OPEN,
	KEPT_BY_IOCTL,
};

struct kept {
	u64 argument[3];
};

/* By the address of the task, so that one whose return is missed leaves no more than the next task there overwrites */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KEPT);
	__type(key, u64);
	__type(value, struct kept);
} kept_arguments __weak SEC(".maps");

static __always_inline void keep(enum kept_by by, u64 first, u64 second, u64 third)
{
	u64 key = bpf_get_current_task() | by;
	struct kept kept = {.argument = {first, second, third}};

	if (bpf_map_update_elem(&kept_arguments, &key, &kept, BPF_ANY))
		count_lost(KIND_UNKNOWN, LOST_MAP_FULL, 1);
}

/* Whether there were some, which are forgotten with that */
static __always_inline bool recall(enum kept_by by, struct kept *into)
{
	u64 key = bpf_get_current_task() | by;
	struct kept *kept = bpf_map_lookup_elem(&kept_arguments, &key);

	if (!kept)
		return false;
	*into = *kept;
	bpf_map_delete_elem(&kept_arguments, &key);
	return true;
}

/* Of a kprobe.session */
static __always_inline bool is_return(struct pt_regs *regs)
{
	return PT_REGS_IP(regs) - bpf_get_func_ip(regs) >= ENTRY_BYTES;
}

/* Does something when a function is entered, with `parameters` of it */
#define ON_ENTRY(hook, function, parameters, action)                                               \
	SEC("?fentry/" #function)                                                                  \
	int BPF_PROG(hook##__fentry, PARAMETERS parameters)                                        \
	{                                                                                          \
		action;                                                                            \
		return 0;                                                                          \
	}                                                                                          \
	SEC("?kprobe/" #function)                                                                  \
	int BPF_KPROBE(hook##__kprobe, PARAMETERS parameters)                                      \
	{                                                                                          \
		action;                                                                            \
		return 0;                                                                          \
	}

#define PARAMETERS(...) __VA_ARGS__

/* body(result) when it returns; it has so many arguments */
#define ON_RETURN(hook, function, arguments, body)                                                 \
	SEC("?fexit/" #function)                                                                   \
	int hook##__fentry(u64 *arguments_and_result)                                              \
	{                                                                                          \
		body((int)arguments_and_result[arguments]);                                        \
		return 0;                                                                          \
	}                                                                                          \
	SEC("?kretprobe/" #function)                                                               \
	int hook##__kprobe__return(struct pt_regs *regs)                                           \
	{                                                                                          \
		body((int)PT_REGS_RC(regs));                                                       \
		return 0;                                                                          \
	}                                                                                          \
	SEC("?kprobe.session/" #function)                                                          \
	int hook##__kprobe__session(struct pt_regs *regs)                                          \
	{                                                                                          \
		if (is_return(regs))                                                               \
			body((int)PT_REGS_RC(regs));                                               \
		return 0;                                                                          \
	}

/*
 * body(first, second, third, result) when it returns, with its arguments (those it has none of are anything). Where
 * those have to be kept, they are if is_wanted(first, second, third)
 */
#define ON_RETURN_WITH(hook, function, arguments, by, is_wanted, body)                             \
	SEC("?fexit/" #function)                                                                   \
	int hook##__fentry(u64 *passed)                                                            \
	{                                                                                          \
		body(passed[0], passed[1], passed[2], (int)passed[arguments]);                     \
		return 0;                                                                          \
	}                                                                                          \
	static __always_inline void hook##_enters(struct pt_regs *regs)                            \
	{                                                                                          \
		u64 first = PT_REGS_PARM1(regs), second = PT_REGS_PARM2(regs);                     \
		u64 third = PT_REGS_PARM3(regs);                                                   \
		struct kept kept;                                                                  \
                                                                                                   \
		if (is_wanted(first, second, third))                                               \
			keep(by, first, second, third);                                            \
		else if (by == KEPT_BY_SEND)                                                       \
			recall(by, &kept); /* of one whose return was missed */                    \
	}                                                                                          \
	static __always_inline void hook##_returns(struct pt_regs *regs)                           \
	{                                                                                          \
		struct kept kept;                                                                  \
                                                                                                   \
		if (recall(by, &kept))                                                             \
			body(kept.argument[0], kept.argument[1], kept.argument[2],                 \
			     (int)PT_REGS_RC(regs));                                               \
	}                                                                                          \
	SEC("?kprobe/" #function)                                                                  \
	int hook##__kprobe__entry(struct pt_regs *regs)                                            \
	{                                                                                          \
		hook##_enters(regs);                                                               \
		return 0;                                                                          \
	}                                                                                          \
	SEC("?kretprobe/" #function)                                                               \
	int hook##__kprobe__return(struct pt_regs *regs)                                           \
	{                                                                                          \
		hook##_returns(regs);                                                              \
		return 0;                                                                          \
	}                                                                                          \
	SEC("?kprobe.session/" #function)                                                          \
	int hook##__kprobe__session(struct pt_regs *regs)                                          \
	{                                                                                          \
		if (is_return(regs))                                                               \
			hook##_returns(regs);                                                      \
		else                                                                               \
			hook##_enters(regs);                                                       \
		return 0;                                                                          \
	}

#endif
