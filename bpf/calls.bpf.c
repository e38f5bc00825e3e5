/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* System calls, for all kinds, at their entry and return: what one is about is found out once, for the family of its file. */
#include "calls.h"
#include "compat.h"
#include "call_files.h"
#include "family.h"
#include "hook.h"
#include "in_call.h"
#include "owner.h"

/* Whether a call may move something to or from a file of a family that is traced, or makes its caller a socket's user */
static __always_inline bool concerns_files(enum call call)
{
	return is_call(call, CLASS_FILE) ||
	       (serves(families_by(WAY_SOCKETS)) && is_call(call, CLASS_SOCKET));
}

/* Whether the kernel tells of what such a call sends to a socket, message by message (sends.bpf.c) */
static __always_inline bool is_told(u32 family)
{
	return config.sends && (family & families_by(WAY_SOCKETS));
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

		if (family_of(file, &socket) & families_by(WAY_SOCKETS))
			sock_created((struct sock *)socket, pair[i]);
	}
	return 0;
}

#define CLOSED(name, NAME, way, kinds) ASK(NAME, way, FILES, name##_closed((u64)file))
static __always_inline int on_close(int fd)
{
	struct file *file = file_of(fd);
	u64 socket = 0;

	switch (family_of(file, &socket)) {
		FAMILIES(CLOSED)
	default:
		return 0;
	}
}

#define RECEIVED(name, NAME, way, kinds)                                                           \
	ASK_OF_OBJECT(NAME, way, name##_received((u64)sock_of_file(file), result),                 \
		      name##_received((u64)file, result))
/* The call took something from its file */
static __always_inline int on_received(const struct ongoing *ongoing, long result)
{
	struct file *file = (struct file *)ongoing->from;

	switch (ongoing->from_family) {
		FAMILIES(RECEIVED)
	default:
		return 0;
	}
}

#define SENT(name, NAME, way, kinds)                                                               \
	ASK_OF_OBJECT(NAME, way, name##_sent((u64)sock_of_file(file), result),                     \
		      name##_sent((u64)file, result))
/* It gave something to one */
static __always_inline int on_sent(const struct ongoing *ongoing, long result)
{
	struct file *file = (struct file *)ongoing->to;

	if (is_told(ongoing->to_family) && ongoing->call != CALL_SETSOCKOPT) {
		if (ongoing->messages && moves_in_pieces(ongoing->call))
			result = ongoing->sent;
		else if (result >= 0)
			return 0;
	}
	switch (ongoing->to_family) {
		FAMILIES(SENT)
	default:
		return 0;
	}
}

/* Those of calls are told of their own, those of pipes of any on one, and those of files of any that gives to one */
#define ENTERS(name, NAME, way, kinds)                                                             \
	if (WAY_##way == WAY_CALLS && serves(FAMILY_##NAME))                                       \
		name##_entered((u64)task, scalar(regs), call);
#define RETURNS(name, NAME, way, kinds)                                                            \
	if (WAY_##way == WAY_CALLS && serves(FAMILY_##NAME))                                       \
		name##_returned(call, result);
#define BEGINS(name, NAME, way, kinds)                                                             \
	if ((WAY_##way == WAY_PIPES && (from_family | to_family) & FAMILY_##NAME) ||               \
	    (WAY_##way == WAY_FILES && to_family == FAMILY_##NAME))                                \
		name##_begun((u64)task, thread);
#define ENDS(name, NAME, way, kinds)                                                               \
	if (WAY_##way == WAY_PIPES && families & FAMILY_##NAME)                                    \
		name##_ended(result);
#define LEAVES(name, NAME, way, kinds)                                                             \
	if (WAY_##way == WAY_PIPES && families & FAMILY_##NAME)                                    \
		name##_left();

/* A task begins a call, which takes from one file and gives to another */
static __always_inline int on_begun(struct task_struct *task, u32 thread, struct pt_regs *regs,
				    u32 number, enum call call, u32 compat)
{
	u32 from_family = FAMILY_NONE, to_family = FAMILY_NONE;
	struct file *from = NULL, *to = NULL;
	struct ongoing *ongoing;
	int from_fd, to_fd;

	descriptors(task, call, regs, compat, &from_fd, &to_fd);
	if (from_fd >= 0) {
		from = file_of_task(task, from_fd);
		from_family = family_at((u64)from);
	}
	if (to_fd >= 0) {
		to = file_of_task(task, to_fd);
		to_family = family_at((u64)to);
	}
	if (from_family == FAMILY_NONE && to_family == FAMILY_NONE &&
	    !(call == CALL_AIO && config.sends))
		return 0;
	ongoing = begin_call(thread);
	if (!ongoing) {
		count_lost(KIND_UNKNOWN, LOST_MAP_FULL, 1);
		return 0;
	}
	ongoing->number = number;
	ongoing->call = call;
	ongoing->compat = compat;
	ongoing->from_family = from_family;
	ongoing->to_family = to_family;
	ongoing->from_fd = from_fd;
	ongoing->to_fd = to_fd;
	ongoing->taken = 0;
	ongoing->piece_count = 0;
	ongoing->from = from_family == FAMILY_NONE ? 0 : (u64)from;
	ongoing->to = to_family == FAMILY_NONE ? 0 : (u64)to;
	ongoing->messages = 0;
	ongoing->sent = 0;
	keep_arguments(thread, scalar(regs), compat);
	FAMILIES(BEGINS)
	return 0;
}

/* The return of a thread's call was skipped: it makes another one, or returns from that */
static __always_inline void on_skipped(struct ongoing *ongoing)
{
	u32 families = ongoing->from_family | ongoing->to_family;

	FAMILIES(LEAVES)
	end_call(ongoing);
}

static __always_inline int on_enter(struct pt_regs *regs, u32 number)
{
	u32 compat = in_compat_call();
	enum call call = call_of(number, compat);
	struct task_struct *task = (void *)bpf_get_current_task();
	struct ongoing *skipped;
	u32 thread;

	if (call == CALL_SOCKETCALL) {
		call = call_of_sockets(argument(regs, 0, compat));
		compat = BY_SOCKETCALL;
	}
	if (is_call(call, CLASS_QUEUE)) {
		FAMILIES(ENTERS)
		return 0;
	}
	if (call == CALL_CLOSE)
		return serves(families_by(WAY_FILES)) ? on_close(argument(regs, 0, compat)) : 0;
	if (!concerns_files(call))
		return 0;
	if (call == CALL_AIO && !config.sends && serves(FAMILY_UNIX))
		on_untold_requests(argument(regs, 2, compat), argument(regs, 1, compat), compat);
	thread = bpf_get_current_pid_tgid();
	skipped = ongoing_of(thread);
	if (skipped)
		on_skipped(skipped);
	return on_begun(task, thread, regs, number, call, compat);
}

#define OPENED(name, NAME, way, kinds) ASK(NAME, way, FILES, name##_opened((u64)file, fd))
/* A call that makes, opens or closes something, or asks for what others do */
static __always_inline int on_other(enum call call, struct pt_regs *regs, u32 compat, long result)
{
	enum family family;
	struct file *file;
	u64 socket = 0;
	s32 fd;

	if (call == CALL_URING) {
		if (serves(FAMILY_UNIX))
			forget_in_call(true);
		if (serves(FAMILY_LOOPBACK))
			forget_in_call(false);
		return 0;
	}
	if (call == CALL_SOCKETCALL) {
		call = call_of_sockets(argument(regs, 0, compat));
		compat = BY_SOCKETCALL;
	}
	if (!is_call(call, CLASS_STATE) || call == CALL_CLOSE || result < 0)
		return 0;
	if (call == CALL_SOCKET || call == CALL_SOCKETPAIR)
		return on_sock_created(call, result, taken(regs, 3, compat));
	fd = call == CALL_OPEN ? result : (long)taken(regs, 0, compat);
	file = file_of(fd);
	family = family_of(file, &socket);
	if (call == CALL_LISTEN)
		return family == FAMILY_LOOPBACK ? loopback_listens(socket) : 0;
	switch (family) {
		FAMILIES(OPENED)
	default:
		return 0;
	}
}

static __always_inline int on_return(struct pt_regs *regs, long result)
{
	struct ongoing *ongoing = current_ongoing();
	u32 number = call_number(regs), families;

	if (!ongoing) {
		bool compat = in_compat_call();
		enum call call = call_of(number, compat);

		if (is_call(call, CLASS_QUEUE)) {
			FAMILIES(RETURNS)
			return 0;
		}
		return serves(families_by(WAY_SOCKETS) | families_by(WAY_FILES)) &&
				       is_call(call, CLASS_STATE)
			       ? on_other(call, regs, compat, result)
			       : 0;
	}
	if (ongoing->number != number) {
		on_skipped(ongoing);
		return 0;
	}
	families = ongoing->from_family | ongoing->to_family;
	FAMILIES(ENDS)
	/* its requests are told of one by one, and its result is how many began */
	if (ongoing->call == CALL_AIO) {
		end_call(ongoing);
		return 0;
	}
	/* one that failed may have taken something from a socket, or left there what was copied */
	if (result >= 0 || result == -EINPROGRESS || ongoing->taken)
		on_received(ongoing, result);
	/* a call that could not write down how much it has sent has sent it all the same */
	if (result >= 0 || result == -EINPROGRESS || ongoing->messages)
		on_sent(ongoing, result);
	else if (ongoing->to_family == FAMILY_UNIX)
		forget_in_call(true);
	end_call(ongoing);
	return 0;
}

ON_SYS_EXIT(calls_exit__any, on_return)
ON_SYS_ENTER(calls_enter__any, on_enter)

/* Calls that began before sys_enter was hooked, of those who sleep in one: run once, after that */
SEC("?iter/task")
int calls_begun__any(struct bpf_iter__task *ctx)
{
	struct task_struct *typed = ctx->task, *task;
	struct pt_regs *regs;
	u32 thread, number;
	enum call call;
	bool compat;

	if (!typed)
		return 0;
	regs = regs_of(typed);
	task = (struct task_struct *)scalar(typed);
	thread = BPF_CORE_READ(task, pid);
	if (!is_asleep(task) || ongoing_of(thread))
		return 0;
	compat = in_compat_call_of(task);
	number = call_number(regs);
	call = call_of(number, compat);
	if (is_call(call, CLASS_QUEUE)) {
		FAMILIES(ENTERS)
		return 0;
	}
	/* requests and arguments that are in another process's memory are not looked at */
	if (!concerns_files(call) || call == CALL_AIO)
		return 0;
	return and_who(on_begun(task, thread, regs, number, call, compat));
}
