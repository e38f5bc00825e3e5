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

/* x86-64; preadv2 and pwritev2 with offset -1 work on pipes */
static __always_inline enum call native_call(u64 number)
{
	switch (number) {
	case 0:
		return CALL_READ;
	case 1:
		return CALL_WRITE;
	case 19:
	case 327:
		return CALL_READV;
	case 20:
	case 328:
		return CALL_WRITEV;
	case 40:
		return CALL_SENDFILE;
	case 275:
		return CALL_SPLICE;
	case 276:
		return CALL_TEE;
	case 278:
		return CALL_VMSPLICE;
	case 44:
		return CALL_SENDTO;
	case 46:
		return CALL_SENDMSG;
	case 307:
		return CALL_SENDMMSG;
	case 45:
		return CALL_RECVFROM;
	case 47:
		return CALL_RECVMSG;
	case 299:
		return CALL_RECVMMSG;
	case 42:
		return CALL_CONNECT;
	case 43:
	case 288:
		return CALL_ACCEPT;
	case 2:
	case 257:
	case 437:
		return CALL_OPEN;
	case 3:
		return CALL_CLOSE;
	case 41:
		return CALL_SOCKET;
	case 53:
		return CALL_SOCKETPAIR;
	case 50:
		return CALL_LISTEN;
	case 426:
		return CALL_URING;
	}
	return CALL_OTHER;
}

/* i386, as 32-bit programs call it */
static __always_inline enum call compat_call(u64 number)
{
	switch (number) {
	case 3:
		return CALL_READ;
	case 4:
		return CALL_WRITE;
	case 145:
	case 378:
		return CALL_READV;
	case 146:
	case 379:
		return CALL_WRITEV;
	case 187:
	case 239:
		return CALL_SENDFILE;
	case 313:
		return CALL_SPLICE;
	case 315:
		return CALL_TEE;
	case 316:
		return CALL_VMSPLICE;
	case 369:
		return CALL_SENDTO;
	case 370:
		return CALL_SENDMSG;
	case 345:
		return CALL_SENDMMSG;
	case 371:
		return CALL_RECVFROM;
	case 372:
		return CALL_RECVMSG;
	case 337:
	case 417:
		return CALL_RECVMMSG;
	case 362:
		return CALL_CONNECT;
	case 364:
		return CALL_ACCEPT;
	case 5:
	case 295:
	case 437:
		return CALL_OPEN;
	case 6:
		return CALL_CLOSE;
	case 359:
		return CALL_SOCKET;
	case 360:
		return CALL_SOCKETPAIR;
	case 363:
		return CALL_LISTEN;
	case 426:
		return CALL_URING;
	}
	return CALL_OTHER;
}

static __always_inline enum call call_of(u64 number, bool compat)
{
	return compat ? compat_call(number) : native_call(number);
}

#define TS_COMPAT 2

static __always_inline bool in_compat_call(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, thread_info.status) & TS_COMPAT;
}

/* Arguments 0 to 5 of the system call that `regs` belongs to */
static __always_inline u64 argument(struct pt_regs *regs, int n, bool compat)
{
	if (compat) {
		/* ebx, ecx, edx, esi, edi, ebp: the entry code saves them under these names */
		switch (n) {
		case 0:
			return (u32)BPF_CORE_READ(regs, bx);
		case 1:
			return (u32)BPF_CORE_READ(regs, cx);
		case 2:
			return (u32)BPF_CORE_READ(regs, dx);
		case 3:
			return (u32)BPF_CORE_READ(regs, si);
		case 4:
			return (u32)BPF_CORE_READ(regs, di);
		}
		return (u32)BPF_CORE_READ(regs, bp);
	}
	switch (n) {
	case 0:
		return BPF_CORE_READ(regs, di);
	case 1:
		return BPF_CORE_READ(regs, si);
	case 2:
		return BPF_CORE_READ(regs, dx);
	case 3:
		return BPF_CORE_READ(regs, r10);
	case 4:
		return BPF_CORE_READ(regs, r8);
	}
	return BPF_CORE_READ(regs, r9);
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

/* The descriptor whose use a call is, beside those it sends to; -1: none */
static __always_inline int receives_from(enum call call, struct pt_regs *regs, bool compat)
{
	switch (call) {
	case CALL_READ:
	case CALL_READV:
	case CALL_SPLICE:
	case CALL_RECVFROM:
	case CALL_RECVMSG:
	case CALL_RECVMMSG:
	case CALL_CONNECT:
	case CALL_ACCEPT:
		return argument(regs, 0, compat);
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

	return BPF_CORE_READ(regs, orig_ax);
}

#endif
