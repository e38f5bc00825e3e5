/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* System calls as x86-64 and i386 programs make them: their numbers and where their arguments are. */
#ifndef CALLS_X86_H
#define CALLS_X86_H

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

/* A call that sends a signal and nothing else */
static __always_inline bool is_kill(u64 number, bool compat)
{
	if (compat)
		return number == 37 || number == 238 || number == 270;
	return number == 62 || number == 200 || number == 234;
}

/* One whose caller chooses the si_code: rt_sigqueueinfo, rt_tgsigqueueinfo, pidfd_send_signal */
static __always_inline bool is_queue(u64 number, bool compat)
{
	if (compat)
		return number == 178 || number == 335 || number == 424;
	return number == 129 || number == 297 || number == 424;
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

/* The number of the call that `regs` belongs to, at its return as well */
static __always_inline long call_number(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, orig_ax);
}

#endif
