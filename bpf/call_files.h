/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Which descriptors a system call is about. */
#ifndef CALL_FILES_H
#define CALL_FILES_H
#include "aio.h"
#include "family.h"
#include "file.h"
#include "ongoing.h"
#include "socket.h"

/* The descriptors that a task's call takes from and gives to; -1: none */
static __always_inline void descriptors(struct task_struct *task, enum call call,
					struct pt_regs *regs, u32 compat, int *from, int *to)
{
	int fd = taken(regs, 0, compat);

	*from = takes_from(call, fd, regs, compat);
	*to = gives_to(call, fd, regs, compat);
	switch (call) {
	case CALL_IOCTL:
		if (serves(FAMILY_PTY) && (u32)argument(regs, 1, compat) == TIOCSTI)
			*to = fd;
		break;
	case CALL_FCNTL:
		if (serves(FAMILY_PIPE) && (u32)argument(regs, 1, compat) == F_SETPIPE_SZ)
			*to = fd;
		break;
	case CALL_SETSOCKOPT:
		if ((u32)taken(regs, 1, compat) == IPPROTO_UDP &&
		    (u32)taken(regs, 2, compat) == UDP_CORK)
			*to = fd;
		break;
	case CALL_AIO:
		shared.requests = 1;
		*to = written_by_request(argument(regs, 2, compat), 0, compat);
		break;
	case CALL_VMSPLICE: {
		struct file *file = file_of_task(task, fd);

		if (file && (BPF_CORE_READ(file, f_mode) & FMODE_WRITE))
			*to = fd;
		else
			*from = fd;
		break;
	}
	default:
		break;
	}
}

/* A family by the address of one of its files. Global, for what it answers to be a number like any other */
__weak __noinline int family_at(u64 file)
{
	u64 socket;

	return family_of((struct file *)file, &socket);
}

/* Keeps what a thread's call was given. Global, for the verifier to go through it once, not for each pair of families */
__weak __noinline int keep_arguments(u32 thread, u64 regs, u32 compat)
{
	struct ongoing *ongoing = ongoing_of(thread);

	if (!ongoing)
		return 0;
	for (int i = 1; i < ARGUMENTS; i++)
		ongoing->argument[i] = taken((struct pt_regs *)regs, i, compat);
	return 0;
}

#endif
