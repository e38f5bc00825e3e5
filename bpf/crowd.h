/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What is sent to one socket by several at once. Sends are counted as they return, in which order they need not have been
 * queued. As long as more has come than was counted somebody is on his way: where what is sent meanwhile begins is known
 * as a range only.
 */
#ifndef CROWD_H
#define CROWD_H
#include "owner.h"
#include "position.h"

/* What is missing all the time for longer than this, in 2^30 ns, is never counted */
#define CROWD_TIME 2

static __always_inline bool is_in_crowd(const struct owner *owner, u32 start)
{
	return !is_before(start, owner->crowd_start) && is_before(start, owner->crowd_end);
}

/* What was counted and seems to begin in a crowd begins anywhere in it */
static __always_inline void spread_in_crowd(const struct owner *owner,
					    struct destination *destination, u32 start)
{
	if (!is_in_crowd(owner, start))
		return;
	destination->position = owner->crowd_start;
	destination->end = owner->crowd_end;
}

/* Whether nobody else can send by the socket by which the current process does */
static __always_inline bool sends_alone(struct sock *sender)
{
	struct task_struct *current = (void *)bpf_get_current_task();
	struct file *file = sock_file(sender);

	return file && is_held_by_one(file, (u64)BPF_CORE_READ(current, group_leader));
}

/* Whether several processes may receive from a socket: a thread's call refers to its file as well */
static __always_inline bool may_have_receivers(const struct owner *owner, struct file *file)
{
	struct task_struct *leader = (void *)owner->leader;
	s64 count = references(file);
	s32 threads;

	if (count <= 1 || !owner->receiver || owner->receiver != owner->who.tgid)
		return count > 1;
	threads = BPF_CORE_READ(leader, signal, nr_threads);
	return threads <= 1 || count > 1 + threads;
}

/* What is missing all the time is taken for sent. Else a crowd would have no end */
static __always_inline void heal_crowd(struct owner *owner, u32 missing)
{
	u32 now = bpf_ktime_get_ns() >> 30;

	if (missing < owner->crowd_least)
		owner->crowd_least = missing;
	if (now - owner->crowd_time <= CROWD_TIME)
		return;
	owner->sent += owner->crowd_least;
	owner->crowd_time = now;
	owner->crowd_least = missing;
}

/*
 * A send is about to be counted. It begins at `start` if all that has come before was counted, and elsewhere if it was the
 * last that came: at `latest`; all that has come ends at `come`. Where that differs `destination` has the range after this.
 * False: it was counted already.
 */
static __always_inline bool join_crowd(struct owner *owner, struct destination *destination,
				       u32 start, u32 latest, u32 come)
{
	bool is_in = is_in_crowd(owner, start);
	u32 missing = latest - start;

	if (is_before(latest, start)) {
		/* with what others sent after it, or as what is known of the socket began */
		spread_in_crowd(owner, destination, latest);
		return false;
	}
	if (!missing && !is_in)
		return true;
	if (!is_in) {
		owner->crowd_time = bpf_ktime_get_ns() >> 30;
		owner->crowd_least = missing;
		owner->crowd_start = start;
	} else {
		start = owner->crowd_start;
		if (is_before(come, owner->crowd_end))
			come = owner->crowd_end;
	}
	owner->crowd_end = come;
	/* not as others have it by now */
	destination->position = start;
	destination->end = come;
	heal_crowd(owner, missing);
	return true;
}

#endif
