/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* System calls as x86-64 and i386 programs make them: which numbers are theirs, and where their arguments are. */
#ifndef CALLS_X86_H
#define CALLS_X86_H

#define NATIVE(call, x64, i386, arm64, arm) CASE(call, x64)
#define COMPAT(call, x64, i386, arm64, arm) CASE(call, i386)

#define TS_COMPAT 2

static __always_inline bool in_compat_call_of(struct task_struct *task)
{
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

/* The number of the call that `regs` belongs to, at its return as well: the half the kernel looks at */
static __always_inline u32 call_number(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, orig_ax);
}

#define ENOSYS 38

/* Whether the call that `regs` belongs to has its result, and the kernel is on its way out */
static __always_inline bool has_returned(struct pt_regs *regs)
{
	return (long)BPF_CORE_READ(regs, ax) != -ENOSYS;
}

#endif
