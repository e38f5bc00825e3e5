/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* System calls as 64-bit and 32-bit Arm programs make them: which numbers are theirs, and where their arguments are. */
#ifndef CALLS_ARM64_H
#define CALLS_ARM64_H

#define NATIVE(call, x64, i386, arm64, arm) CASE(call, arm64)
#define COMPAT(call, x64, i386, arm64, arm) CASE(call, arm)

#define TIF_32BIT 22

static __always_inline bool in_compat_call_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread_info.flags) & (1 << TIF_32BIT);
}

/* Arguments 0 to 5 of the system call that `regs` belongs to; its result takes the place of the first */
static __always_inline u64 argument(struct pt_regs *regs, int n, bool compat)
{
	u64 value = n ? BPF_CORE_READ(regs, regs[n]) : BPF_CORE_READ(regs, orig_x0);

	return compat ? (u32)value : value;
}

/* The number of the call that `regs` belongs to, at its return as well: the half the kernel looks at */
static __always_inline u32 call_number(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, syscallno);
}

/* Whether the call that `regs` belongs to has its result, and the kernel is on its way out */
static __always_inline bool has_returned(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, regs[0]) != BPF_CORE_READ(regs, orig_x0);
}

#endif
