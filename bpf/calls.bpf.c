/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * System calls, for all kinds: every one that is made on the host comes by here, so there is one
 * program at their entry and one at their return. What a call is, and what it is about, is found out
 * once; then it is for the family whose file that is.
 */
#include "calls.h"
#include "family.h"
#include "hook.h"

/* The descriptors a call takes from and gives to; -1: none */
static __always_inline void descriptors(enum call call, struct pt_regs *regs, bool compat,
					int *from, int *to)
{
	int fd = argument(regs, 0, compat);

	*to = sends_to(call, regs, compat);
	switch (call) {
	case CALL_READ:
	case CALL_READV:
	case CALL_RECVFROM:
	case CALL_RECVMSG:
	case CALL_RECVMMSG:
	case CALL_CONNECT:
	case CALL_ACCEPT:
	case CALL_SPLICE:
		*from = fd;
		break;
	case CALL_TEE:
		*to = argument(regs, 1, compat);
		break;
	case CALL_VMSPLICE: {
		struct file *file = file_of(fd);

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

/* The current process made a socket, or a pair of them */
__noinline int on_sock_created(u32 call, int fd, u64 descriptors)
{
	int pair[2] = {fd, -1};

	if (call == CALL_SOCKETPAIR && bpf_probe_read_user(pair, sizeof(pair), (void *)descriptors))
		return 0;
	for (int i = 0; i < 2; i++) {
		struct file *file = pair[i] < 0 ? NULL : file_of(pair[i]);
		u64 socket = 0;

		if (family_of(file, &socket) & (FAMILY_UNIX | FAMILY_LOOPBACK))
			sock_created((struct sock *)socket);
	}
	return 0;
}

static __always_inline int on_close(int fd)
{
	struct file *file = file_of(fd);
	u64 socket = 0;

	switch (family_of(file, &socket)) {
	case FAMILY_UNIX:
	case FAMILY_LOOPBACK:
		sock_released((struct sock *)socket);
		return 0;
	case FAMILY_PTY:
		return pty_closed((u64)file);
	default:
		return 0;
	}
}

/* A call took something from a file */
static __always_inline int on_received(enum call call, int fd, long result, bool was_entered)
{
	struct file *file = file_of(fd);
	u64 socket = 0;

	switch (family_of(file, &socket)) {
	case FAMILY_PIPE:
		return was_entered ? 0 : pipe_returned(call, result, (u64)file, 0);
	case FAMILY_UNIX:
		return unix_received(call, socket, result);
	case FAMILY_LOOPBACK:
		return loopback_received(call, socket, result);
	case FAMILY_PTY:
		return result > 0 ? pty_received((u64)file) : 0;
	default:
		return 0;
	}
}

/* A call gave something to a file */
static __always_inline int on_sent(enum call call, int fd, long result, bool was_entered)
{
	struct file *file = file_of(fd);
	u64 socket = 0;

	switch (family_of(file, &socket)) {
	case FAMILY_PIPE:
		return was_entered ? 0 : pipe_returned(call, result, 0, (u64)file);
	case FAMILY_UNIX:
		return unix_sent(call, socket, result);
	case FAMILY_LOOPBACK:
		return loopback_sent(call, socket, result);
	case FAMILY_PTY:
		return result > 0 ? pty_sent(call, (u64)file, result) : 0;
	default:
		return 0;
	}
}

/* The families that have calls of their own are told of them */
#define ENTERS_FILES(name, NAME)
#define ENTERS_HOOKS(name, NAME)
#define ENTERS_CALLS(name, NAME)                                                                   \
	if (serves(FAMILY_##NAME))                                                                 \
		name##_entered(call);
#define ENTERS(name, NAME, way, kinds) ENTERS_##way(name, NAME)
#define RETURNS_FILES(name, NAME)
#define RETURNS_HOOKS(name, NAME)
#define RETURNS_CALLS(name, NAME)                                                                  \
	if (serves(FAMILY_##NAME))                                                                 \
		name##_returned(call, result);
#define RETURNS(name, NAME, way, kinds) RETURNS_##way(name, NAME)

static __always_inline int on_enter(struct pt_regs *regs, long number)
{
	bool compat = in_compat_call();
	enum call call = call_of(number, compat);
	struct file *from, *to;
	int from_fd = -1, to_fd;

	if (is_call(call, CLASS_QUEUE)) {
		FAMILIES(ENTERS)
		return 0;
	}
	if (call == CALL_CLOSE && serves(~FAMILY_PIPE))
		return on_close(argument(regs, 0, compat));
	if (!serves(FAMILY_PIPE) || !is_call(call, CLASS_FILE))
		return 0;
	descriptors(call, regs, compat, &from_fd, &to_fd);
	from = from_fd < 0 ? NULL : file_of(from_fd);
	to = to_fd < 0 ? NULL : file_of(to_fd);
	if (from && !is_pipe(from))
		from = NULL;
	if (to && !is_pipe(to))
		to = NULL;
	if (from)
		return pipe_entered((u64)from, (u64)to);
	if (to)
		return pipe_entered(0, (u64)to);
	return 0;
}

/* A call that makes, opens or closes something, or asks for what others do */
static __always_inline int on_other(enum call call, struct pt_regs *regs, bool compat, long result)
{
	struct file *file;
	u64 socket = 0;

	if (call == CALL_URING) {
		if (serves(FAMILY_UNIX))
			forget_in_call(true);
		if (serves(FAMILY_LOOPBACK))
			forget_in_call(false);
		return 0;
	}
	if (call == CALL_CLOSE || result < 0)
		return 0;
	if (call == CALL_SOCKET || call == CALL_SOCKETPAIR)
		return on_sock_created(call, result, argument(regs, 3, compat));
	file = file_of(call == CALL_OPEN ? result : (int)argument(regs, 0, compat));
	switch (family_of(file, &socket)) {
	case FAMILY_LOOPBACK:
		return call == CALL_LISTEN ? loopback_listens(socket) : 0;
	case FAMILY_PTY:
		return call == CALL_OPEN ? pty_opened((u64)file) : 0;
	default:
		return 0;
	}
}

static __always_inline int on_return(struct pt_regs *regs, long result)
{
	bool compat = in_compat_call(), was_entered = false;
	enum call call = call_of(call_number(regs), compat);
	int from = -1, to;

	if (is_call(call, CLASS_QUEUE)) {
		FAMILIES(RETURNS)
		return 0;
	}
	if (is_call(call, CLASS_STATE))
		return serves(~FAMILY_PIPE) ? on_other(call, regs, compat, result) : 0;
	if (!is_call(call, CLASS_FILE) && !(serves(~FAMILY_PIPE) && is_call(call, CLASS_SOCKET)))
		return 0;
	if (serves(FAMILY_PIPE) && is_call(call, CLASS_FILE)) {
		was_entered = pipe_returned(call, result, 0, 0);
		/* but these two have another end that may be something else */
		if (was_entered && call != CALL_SENDFILE && call != CALL_SPLICE)
			return 0;
	}
	if (result < 0 && result != -EINPROGRESS)
		return 0;
	descriptors(call, regs, compat, &from, &to);
	if (from >= 0)
		on_received(call, from, result, was_entered);
	if (to >= 0)
		on_sent(call, to, result, was_entered);
	return 0;
}

ON_SYS_ENTER(calls_enter__any, on_enter)
ON_SYS_EXIT(calls_exit__any, on_return)
