/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* System calls as 64-bit and 32-bit Arm programs make them: their numbers and where their arguments are. */
#ifndef CALLS_ARM64_H
#define CALLS_ARM64_H

/* arm64, which has the numbers of include/uapi/asm-generic/unistd.h */
static __always_inline enum call native_call(u64 number)
{
	switch (number) {
	case 63:
		return CALL_READ;
	case 64:
		return CALL_WRITE;
	case 65:
	case 286:
		return CALL_READV;
	case 66:
	case 287:
		return CALL_WRITEV;
	case 71:
		return CALL_SENDFILE;
	case 76:
		return CALL_SPLICE;
	case 77:
		return CALL_TEE;
	case 75:
		return CALL_VMSPLICE;
	case 206:
		return CALL_SENDTO;
	case 211:
		return CALL_SENDMSG;
	case 269:
		return CALL_SENDMMSG;
	case 207:
		return CALL_RECVFROM;
	case 212:
		return CALL_RECVMSG;
	case 243:
		return CALL_RECVMMSG;
	case 203:
		return CALL_CONNECT;
	case 202:
	case 242:
		return CALL_ACCEPT;
	case 56:
	case 437:
		return CALL_OPEN;
	case 57:
		return CALL_CLOSE;
	case 198:
		return CALL_SOCKET;
	case 199:
		return CALL_SOCKETPAIR;
	case 201:
		return CALL_LISTEN;
	case 426:
		return CALL_URING;
	}
	return CALL_OTHER;
}

/* 32-bit Arm (EABI). It still has send and recv: as a write, which gives no address, and a recvfrom. */
static __always_inline enum call compat_call(u64 number)
{
	switch (number) {
	case 3:
		return CALL_READ;
	case 4:
	case 289:
		return CALL_WRITE;
	case 145:
	case 392:
		return CALL_READV;
	case 146:
	case 393:
		return CALL_WRITEV;
	case 187:
	case 239:
		return CALL_SENDFILE;
	case 340:
		return CALL_SPLICE;
	case 342:
		return CALL_TEE;
	case 343:
		return CALL_VMSPLICE;
	case 290:
		return CALL_SENDTO;
	case 296:
		return CALL_SENDMSG;
	case 374:
		return CALL_SENDMMSG;
	case 291:
	case 292:
		return CALL_RECVFROM;
	case 297:
		return CALL_RECVMSG;
	case 365:
	case 417:
		return CALL_RECVMMSG;
	case 283:
		return CALL_CONNECT;
	case 285:
	case 366:
		return CALL_ACCEPT;
	case 5:
	case 322:
	case 437:
		return CALL_OPEN;
	case 6:
		return CALL_CLOSE;
	case 281:
		return CALL_SOCKET;
	case 288:
		return CALL_SOCKETPAIR;
	case 284:
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
		return number == 37 || number == 238 || number == 268;
	return number == 129 || number == 130 || number == 131;
}

/* One whose caller chooses the si_code: rt_sigqueueinfo, rt_tgsigqueueinfo, pidfd_send_signal */
static __always_inline bool is_queue(u64 number, bool compat)
{
	if (compat)
		return number == 178 || number == 363 || number == 424;
	return number == 138 || number == 240 || number == 424;
}

#define TIF_32BIT 22

static __always_inline bool in_compat_call(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, thread_info.flags) & (1 << TIF_32BIT);
}

/* Arguments 0 to 5 of the system call that `regs` belongs to; its result takes the place of the first */
static __always_inline u64 argument(struct pt_regs *regs, int n, bool compat)
{
	u64 value = n ? BPF_CORE_READ(regs, regs[n]) : BPF_CORE_READ(regs, orig_x0);

	return compat ? (u32)value : value;
}

/* The number of the call that `regs` belongs to, at its return as well */
static __always_inline long call_number(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, syscallno);
}

#endif
