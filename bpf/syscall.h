/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* System calls by what they do, whatever number a 64-bit or a 32-bit program calls them by. */
#ifndef SYSCALL_H
#define SYSCALL_H
#include "vmlinux.h"
#include "read.h"
#include <bpf/bpf_helpers.h>

enum call {
	CALL_OTHER,
	CALL_READ,
	CALL_READV,
	CALL_WRITE,
	CALL_WRITEV,
	CALL_SENDFILE,
	CALL_SPLICE,
	CALL_TEE,
	CALL_VMSPLICE,
	CALL_SENDTO,
	CALL_SENDMSG,
	CALL_SENDMMSG,
	CALL_RECVFROM,
	CALL_RECVMSG,
	CALL_RECVMMSG,
	CALL_CONNECT,
	CALL_ACCEPT,
	CALL_OPEN,
	CALL_CLOSE,
	CALL_SOCKET,
	CALL_SOCKETPAIR,
	CALL_LISTEN,
	CALL_URING,
};

/*
 * What is the processor's own: native_call() and compat_call(), is_kill() and is_queue(), in_compat_call(),
 * argument(), call_number()
 */
#if defined(__TARGET_ARCH_x86)
#include "calls_x86.h"
#elif defined(__TARGET_ARCH_arm64)
#include "calls_arm64.h"
#else
#error "the system calls of this processor are not known here"
#endif

/* Global, for what it answers to be a number like any other: else the verifier goes on once for each call there is */
__weak __noinline int call_of(u64 number, u32 compat)
{
	return compat ? compat_call(number) : native_call(number);
}

/* The descriptor a call sends to; -1: none */
static __always_inline int sends_to(enum call call, struct pt_regs *regs, bool compat)
{
	switch (call) {
	case CALL_WRITE:
	case CALL_WRITEV:
	case CALL_SENDFILE:
	case CALL_SENDTO:
	case CALL_SENDMSG:
	case CALL_SENDMMSG:
		return argument(regs, 0, compat);
	case CALL_SPLICE:
		return argument(regs, 2, compat);
	default:
		return -1;
	}
}

#define THREAD_SIZE 16384

/*
 * The registers the current task entered the kernel with. The helper came with 5.15: dd6e10fbd9fb
 * ("bpf: Add bpf_task_pt_regs() helper"); before, registers lie right at the end of the stack.
 */
static __always_inline struct pt_regs *current_regs(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id___task_pt_regs, BPF_FUNC_task_pt_regs)) {
		return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	} else {
		struct task_struct *task = (void *)bpf_get_current_task();

		return (void *)BPF_CORE_READ(task, stack) + THREAD_SIZE -
		       bpf_core_type_size(struct pt_regs);
	}
}

/* The number of the system call the current task is in */
static __always_inline long current_call(void)
{
	struct pt_regs *regs = current_regs();

	return call_number(regs);
}

#endif
