/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A piece of a stream that is being copied is taken only if the caller's memory can have it. So it is noted later: as the
 * call copies its next piece, or has returned. Other calls may have taken and noted later pieces by then.
 */
#ifndef PIECE_H
#define PIECE_H
#include "owner.h"

#define MSG_WAITALL 0x100
/* in place of a thread: what it copies is about to be counted */
#define COPYING (~0U)

/* Whether what a call copies last may turn out not to be taken soon: unless it goes on to wait for more */
static __always_inline bool may_fail(const struct ongoing *ongoing)
{
	u64 flags = 0;

	if (ongoing->call == CALL_RECVFROM)
		flags = ongoing->argument[3];
	else if (ongoing->call == CALL_RECVMSG)
		flags = ongoing->argument[2];
	return !(flags & MSG_WAITALL);
}

/*
 * The current call copies a piece of a stream, which begins at a place; those who do hold the socket's lock. Another
 * thread's piece that began at the same place was not taken.
 */
static __always_inline void find_failed(struct owner *owner, u64 place, u32 left)
{
	u32 thread = bpf_get_current_pid_tgid(), last = owner->piece_thread;

	if (last && last != thread && owner->piece_place == place && owner->piece_left == left)
		owner->failed_thread = last;
}

static __always_inline void begin_piece(struct owner *owner, struct ongoing *ongoing, u64 place,
					u32 left, u32 start, u32 count)
{
	u32 thread = bpf_get_current_pid_tgid();

	if (owner->failed_thread == thread)
		owner->failed_thread = 0;
	owner->piece_place = place;
	owner->piece_left = left;
	owner->piece_count = count;
	owner->piece_thread = thread;
	ongoing->taken += count;
	ongoing->piece_start = start;
	ongoing->piece_count = count;
}

/* The last piece of the current call is settled; how much of it was taken */
static __always_inline u32 settle_piece(struct owner *owner, struct ongoing *ongoing, bool is_left)
{
	u32 thread = bpf_get_current_pid_tgid(), count = ongoing->piece_count;

	ongoing->piece_count = 0;
	if (is_left)
		owner->failed_thread = thread;
	if (owner->failed_thread == thread)
		return 0;
	if (owner->piece_thread == thread)
		owner->piece_thread = 0;
	return count;
}

#endif
