/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * System calls under way, by thread: what each was about when it began. A return counts for the file that the
 * call took then, whatever its descriptor stands for by now. A return without a beginning is of a call that never
 * ran: seccomp's supervisor or ptrace(2) answered in its place, before sys_enter.
 */
#ifndef ONGOING_H
#define ONGOING_H
#include "emit.h"
#include "syscall.h"

/* Calls whose place another thread has, with the same lower bits of its number, are in a hash */
#define CALL_PLACES 32768
#define DISPLACED_CALLS 8192
#define ARGUMENTS 6
/* as the number of what is no call, but a function that receives, or a request of io_uring */
#define BY_FUNCTION ((u32)-1)
#define BY_REQUEST ((u32)-2)

struct ongoing {
	u32 claims; /* of a place: an addition each, as pipe_calls.h has its lock */
	u32 thread; /* whose call it is; 0: nobody's */
	u32 number; /* as the return has it, too */
	u32 call;   /* enum call */
	u64 from;   /* struct file: what is taken from it, or it is connected or accepted from; 0: none */
	u64 to;	    /* struct file: what is given to it; 0: none */
	u64 argument[ARGUMENTS];
	u32 from_family;
	u32 to_family;
	u32 compat; /* structures in user memory are a 32-bit program's */
	u32 messages; /* of a sendmmsg or io_submit that were sent so far; how many pieces of a splice */
	u64 sent;     /* bytes of a splice or sendfile so far */
	s32 from_fd;
	s32 to_fd;
	u32 taken; /* bytes or messages that a socket gave to this call or request so far */
	/* the last of them of a stream, which is not noted yet: the call's memory may not be able to have it */
	u32 piece_start;
	u32 piece_count; /* 0: there is none */
	/* where the next message of a sendmmsg begins, of which all are counted at once */
	u32 place;
	u32 is_placed;
	u32 reserved;
	/* for pipe_calls.h: ledgers that count this call, and who writes */
	u64 from_pipe;
	u64 to_pipe;
	struct process writer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CALL_PLACES);
	__type(key, u32);
	__type(value, struct ongoing);
} ongoing_calls __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DISPLACED_CALLS);
	__type(key, u32);
	__type(value, struct ongoing);
} displaced_calls __weak SEC(".maps");

/* The call that a thread is in; NULL: none that is of interest */
static __always_inline struct ongoing *ongoing_of(u32 thread)
{
	u32 place = thread & (CALL_PLACES - 1);
	struct ongoing *ongoing = bpf_map_lookup_elem(&ongoing_calls, &place);

	/* 0 is the idle task's */
	if (ongoing && thread && ongoing->thread == thread)
		return ongoing;
	return *(volatile u32 *)&shared.displaced ? bpf_map_lookup_elem(&displaced_calls, &thread)
						  : NULL;
}

static __always_inline struct ongoing *current_ongoing(void)
{
	return ongoing_of(bpf_get_current_pid_tgid());
}

/* Makes room for the call of a thread whose place is taken. Global, for its frame to lie beside others */
__weak __noinline int displace_call(u32 thread)
{
	struct ongoing blank = {.thread = thread};

	shared.displaced = 1;
	return bpf_map_update_elem(&displaced_calls, &thread, &blank, BPF_ANY);
}

/* Room for the call that a thread begins; NULL: there is none */
static __always_inline struct ongoing *begin_call(u32 thread)
{
	u32 place = thread & (CALL_PLACES - 1);
	struct ongoing *ongoing = bpf_map_lookup_elem(&ongoing_calls, &place);

	if (!ongoing)
		return NULL;
	if (ongoing->thread == thread)
		return ongoing;
	if (!ongoing->claims) {
		__sync_fetch_and_add(&ongoing->claims, 1);
		if (*(volatile u32 *)&ongoing->claims == 1) {
			ongoing->thread = thread;
			return ongoing;
		}
		__sync_fetch_and_add(&ongoing->claims, -1);
	}
	return displace_call(thread) ? NULL : bpf_map_lookup_elem(&displaced_calls, &thread);
}

/* A thread begins to receive from a file, though by no call; NULL: there is no room, which is counted */
static __always_inline struct ongoing *begin_receive(u32 thread, u32 number, enum call as,
						     struct file *file, u32 family)
{
	struct ongoing *ongoing = begin_call(thread);

	if (!ongoing) {
		count_lost(KIND_UNKNOWN, LOST_MAP_FULL, 1);
		return NULL;
	}
	ongoing->number = number;
	ongoing->call = as;
	ongoing->compat = 0;
	ongoing->from_family = family;
	ongoing->to_family = FAMILY_NONE;
	ongoing->from_fd = -1;
	ongoing->to_fd = -1;
	ongoing->taken = 0;
	ongoing->piece_count = 0;
	ongoing->from = (u64)file;
	ongoing->to = 0;
	ongoing->messages = 0;
	ongoing->sent = 0;
	return ongoing;
}

static __always_inline void end_call(struct ongoing *ongoing)
{
	u32 thread = ongoing->thread;

	if (!ongoing->claims) {
		bpf_map_delete_elem(&displaced_calls, &thread);
		return;
	}
	*(volatile u32 *)&ongoing->thread = 0;
	__sync_fetch_and_add(&ongoing->claims, -1);
}

#endif
