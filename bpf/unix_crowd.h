/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* How much was sent to a unix socket, which the kernel does not count: at first what was received and what is there. */
#ifndef UNIX_CROWD_H
#define UNIX_CROWD_H
#include "crowd.h"
#include "unix_queue.h"

/*
 * Until nobody is about to count what he receives, which takes him some 100 ns, as does a look at a short queue. At a long
 * one that somebody receives from it is looked a few times only
 */
#define LOOKS 256
#define FEW_LOOKS 4
#define SHORT_QUEUE 8

/* Behind what has come by now, for `destinations`; 1: somebody receives just now, and it may be less by what he does */
__noinline int look_what_came(u64 socket, u32 via_uring)
{
	struct destination *destination = bpf_map_lookup_elem(&destinations, &via_uring);
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);

	if (!destination || !owner || !has_traced(FAMILY_UNIX))
		return 0;
	return !come_by_now(owner, (void *)socket, &destination->end);
}

/*
 * What begins at the position in `destinations`, and is not counted yet, may begin elsewhere. If less has come than was
 * counted, of which a buffer at the address of one that is being copied may be the cause, skip_gone makes up for it. A
 * function of its own, for its frame to lie beside others
 */
__noinline int find_unix_crowd(u64 socket, u32 count, u32 via_uring)
{
	struct destination *destination = bpf_map_lookup_elem(&destinations, &via_uring);
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);
	u32 length = BPF_CORE_READ((struct sock *)socket, sk_receive_queue.qlen), start, come;

	if (!destination || !owner || !has_traced(FAMILY_UNIX))
		return 0;
	start = destination->position;
	if (length > QUEUED_BUFFERS)
		return 0;
	repeat_while(i, LOOKS,
		     (i < FEW_LOOKS || length < SHORT_QUEUE) && look_what_came(socket, via_uring));
	come = destination->end;
	destination->end = start + count;
	join_crowd(owner, destination, start, come - count, come);
	return 0;
}

/* Counts the first that is seen to be sent: how much was follows from what has come; the position where it begins */
static __always_inline u32 count_first(struct owner *owner, u64 socket, u32 count, u32 via_uring)
{
	struct destination *destination = bpf_map_lookup_elem(&destinations, &via_uring);
	bool again = false;
	u32 since;

	if (!destination)
		return 0;
	repeat_while(i, LOOKS, (again = look_what_came(socket, via_uring)));
	owner->sent = destination->end;
	owner->counted = !again;
	since = *(volatile u32 *)&owner->since;
	barrier();
	/* a message that is taken from there just now, and not counted as received yet */
	if (!owner->reader.tgid && is_before(owner->sent, since + count))
		owner->sent = since + count;
	set_place(destination, owner->sent - count + (again ? NOWHERE : 0), count);
	return owner->sent - count;
}

/* Whether nobody else sends to a unix socket that the current process sends to: nobody can, or has so far */
static __always_inline bool is_lone_sender(struct owner *owner, u64 socket, struct sock *sender)
{
	struct unix_sock *receiver = (void *)socket;
	u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (BPF_CORE_READ(sender, sk_type) == SOCK_DGRAM && BPF_CORE_READ(receiver, addr)) {
		note_process(&owner->sender, tgid);
		if (*(volatile u32 *)&owner->sender != tgid)
			return false;
	}
	return sends_alone(sender);
}

/*
 * Counts what the current process has sent to a unix socket by one that has `peer` as its inode, and writes where it begins
 * to `destinations`; that position, if nobody else sends there at once. `sender`: NULL if another process may have sent it
 */
static __always_inline u32 count_sent(u64 socket, u64 peer, struct sock *sender, u32 count,
				      u32 via_uring)
{
	struct destination *destination = bpf_map_lookup_elem(&destinations, &via_uring);
	struct sock *sk = (void *)socket;
	struct owner *owner = owner_begun(sk, sock_inode(sk), peer);
	struct file *file;
	u32 start;

	if (!destination)
		return 0;
	start = owner ? *(volatile u32 *)&owner->sent : 0;
	set_place(destination, start, count);
	if (!owner)
		return 0;
	if (!owner->counted)
		return count_first(owner, socket, count, via_uring);
	file = sock_file(sk);
	if (file && may_have_receivers(owner, file) &&
	    !(sender && is_lone_sender(owner, socket, sender)))
		find_unix_crowd(socket, count, via_uring);
	__sync_fetch_and_add(&owner->sent, count);
	return start;
}

/* Writes to `destinations` where what was counted already begins */
static __always_inline void find_place(u64 socket, u32 start, u32 count, u32 via_uring)
{
	struct destination *destination = bpf_map_lookup_elem(&destinations, &via_uring);
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);

	if (!owner || !destination)
		return;
	set_place(destination, start, count);
	spread_in_crowd(owner, destination, start);
}

#endif
