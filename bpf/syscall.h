/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* System calls by what they do, whatever number a 64-bit or a 32-bit program calls them by. */
#ifndef SYSCALL_H
#define SYSCALL_H
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
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
	}
	return CALL_OTHER;
}

#define TS_COMPAT 2

static __always_inline bool in_compat_call(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, thread_info.status) & TS_COMPAT;
}

/* Arguments 0 to 3 of the system call that `regs` belongs to */
static __always_inline u64 argument(struct pt_regs *regs, int n, bool compat)
{
	if (compat) {
		/* ebx, ecx, edx, esi: the entry code saves them under these names */
		switch (n) {
		case 0:
			return (u32)BPF_CORE_READ(regs, bx);
		case 1:
			return (u32)BPF_CORE_READ(regs, cx);
		case 2:
			return (u32)BPF_CORE_READ(regs, dx);
		}
		return (u32)BPF_CORE_READ(regs, si);
	}
	switch (n) {
	case 0:
		return BPF_CORE_READ(regs, di);
	case 1:
		return BPF_CORE_READ(regs, si);
	case 2:
		return BPF_CORE_READ(regs, dx);
	}
	return BPF_CORE_READ(regs, r10);
}

#define THREAD_SIZE 16384

/*
 * The number of the system call the current task is in. The helper came with 5.15: dd6e10fbd9fb
 * ("bpf: Add bpf_task_pt_regs() helper"); before, registers lie right at the end of the stack.
 */
static __always_inline long current_call(void)
{
	struct pt_regs *regs;

	if (bpf_core_enum_value_exists(enum bpf_func_id___task_pt_regs, BPF_FUNC_task_pt_regs)) {
		regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	} else {
		struct task_struct *task = (void *)bpf_get_current_task();

		regs = (void *)BPF_CORE_READ(task, stack) + THREAD_SIZE - bpf_core_type_size(struct pt_regs);
	}
	return BPF_CORE_READ(regs, orig_ax);
}

#endif
