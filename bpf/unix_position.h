/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Positions of unix sockets, which the kernel does not count: from what is queued at first sight. */
#ifndef UNIX_POSITION_H
#define UNIX_POSITION_H
#include "unix_crowd.h"

#define FEW_BUFFERS 4

/*
 * Whether it is not known that a process took what seems to be its own: another may have taken what is counted when a
 * request completes. Where buffers do not tell whose they are another may do so from any socket.
 */
static __always_inline bool is_unclear(struct owner *owner, struct sock *sk, u32 tgid)
{
	u32 unplaced = *(volatile u32 *)&shared.unplaced;

	if (*(volatile u32 *)&owner->requested && *(volatile u32 *)&owner->receiver != tgid)
		return true;
	return unplaced && unplaced != tgid && !is_stream(sk) && !is_paired(sk);
}

/* A process took from a unix socket what begins at a position. A function of its own, for frames of two callers */
__noinline int note_unix(u64 socket, u64 task, u32 start, u32 count)
{
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);
	struct sock *sk = (void *)socket;
	struct identity self = {};
	bool is_new;

	if (!owner || !count || !has_traced(FAMILY_UNIX))
		return 0;
	identify((void *)task, &self);
	if (is_unclear(owner, sk, self.who.tgid)) {
		tell_receive(socket, owner->inode, start, count, &self, true);
		return 0;
	}
	is_new = note_reader(owner, &self, start, count);
	if (!owner->uncounted &&
	    is_told(owner, sock_file(sk), is_new, start, start + count + queued(socket, FIRST_BUFFERS)))
		tell_receive(socket, owner->inode, start, count, &self, false);
	return 0;
}

/* The last piece that was copied, if it was not taken, is not counted any more */
static __always_inline void undo_failed(struct owner *owner)
{
	u32 last = owner->piece_thread;

	if (!last || owner->failed_thread != last)
		return;
	owner->piece_thread = 0;
	__sync_fetch_and_add(&owner->received, -owner->piece_count);
}

/* Counts what a task takes from a unix socket; the position where it begins. Others are to find first that he does */
static __always_inline u32 count_received(struct owner *owner, u64 task, u32 count)
{
	note_process(&owner->receiver, BPF_CORE_READ((struct task_struct *)task, tgid));
	undo_failed(owner);
	__sync_fetch_and_add(&owner->received, count);
	return *(volatile u32 *)&owner->received - count;
}

/*
 * What is copied now begins behind all that was sent before what is there. So what has gone and was never received, as a
 * byte out of band, is made up for. Sends that are not counted yet make it seem earlier than it is, never later.
 */
static __always_inline void skip_gone(struct owner *owner, struct sock *sk, bool is_a_stream)
{
	u64 end = (u64)sk + bpf_core_field_offset(struct sock, sk_receive_queue);
	u32 sent = *(volatile u32 *)&owner->sent, there = 1;
	struct sk_buff *skb;

	if (!owner->counted)
		return;
	if (!is_a_stream) {
		/* it is not in the queue any more */
		there += BPF_CORE_READ(sk, sk_receive_queue.qlen);
	} else {
		skb = BPF_CORE_READ(sk, sk_receive_queue.next);
		there = 0;
		for (u32 i = 0; i < FEW_BUFFERS && (u64)skb != end; i++) {
			there += left_in_buffer(skb);
			skb = BPF_CORE_READ(skb, next);
		}
		if ((u64)skb != end)
			return;
	}
	if (is_before(owner->received, sent - there))
		owner->received = sent - there;
}

/* A process received so many bytes from a unix socket that were not counted as they were copied */
static __always_inline void unix_consumed(u64 socket, u64 task, u32 count)
{
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);

	if (owner && count)
		note_unix(socket, task, count_received(owner, task, count), count);
}

/* A request has completed that received so many bytes or messages; it was counted as they were copied, if that was known */
static __always_inline void unix_consumed_by_request(u64 socket, u64 task, u32 count, u32 spliced)
{
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);

	/* sock_recv_length tells of no splice */
	if (!owner || !count || (config.receives && !spliced))
		return;
	if (owner->taker == task)
		owner->taker = 0;
	if (!is_stream((void *)socket) && *(volatile u32 *)&owner->copied) {
		__sync_fetch_and_add(&owner->copied, -1);
		return;
	}
	if (!config.receives)
		owner->requested = 1;
	unix_consumed(socket, task, count);
}

/* A request copies a message, which it only looks at if that is in the queue still */
static __always_inline bool request_looks(const struct ongoing *ongoing, u64 buffer)
{
	return ongoing->number == BY_REQUEST && BPF_CORE_READ((struct sk_buff *)buffer, next);
}

/* The same of a stream: what it has copied before is still in front of this */
static __always_inline bool request_looks_on(const struct owner *owner,
					     const struct ongoing *ongoing, u64 buffer)
{
	return ongoing->number == BY_REQUEST && ongoing->piece_count &&
	       (u64)BPF_CORE_READ((struct sk_buff *)buffer, prev) == owner->piece_place;
}

/* What is in a buffer is copied to the current process, which has its unix socket to itself meanwhile */
__noinline int unix_copied(u64 socket, u64 buffer, u32 length)
{
	struct ongoing *ongoing = current_ongoing();
	struct sock *sk = (void *)socket, *peer;
	u64 task = bpf_get_current_task();
	struct owner *owner;
	u32 start, left;

	if (!has_traced(FAMILY_UNIX) || !ongoing)
		return 0;
	peer = unix_peer(sk);
	owner = owner_begun(sk, sock_inode(sk), peer ? sock_inode(peer) : 0);
	if (!owner)
		return 0;
	if (!is_stream(sk) && !is_for_another(ongoing)) {
		if (request_looks(ongoing, buffer))
			return 0;
		ongoing->taken++;
		skip_gone(owner, sk, false);
		start = count_received(owner, task, 1);
		/* a call that goes on to take another one has not counted that */
		owner->taker = ongoing->call == CALL_RECVMMSG ? 0 : task;
		note_unix(socket, task, start, 1);
		if (ends_unseen(ongoing))
			__sync_fetch_and_add(&owner->copied, 1);
		return 0;
	}
	if (ends_unseen(ongoing)) {
		note_process(&owner->receiver, bpf_get_current_pid_tgid() >> 32);
		owner->requested = 1;
		return 0;
	}
	if (!length)
		return 0;
	if (request_looks_on(owner, ongoing, buffer)) {
		ongoing->argument[3] = MSG_PEEK;
		settle_piece(owner, ongoing, true);
		return 0;
	}
	note_unix(socket, task, ongoing->piece_start, settle_piece(owner, ongoing, false));
	left = left_in_buffer((void *)buffer);
	find_failed(owner, buffer, left);
	undo_failed(owner);
	skip_gone(owner, sk, true);
	owner->piece_thread = COPYING;
	start = count_received(owner, task, length);
	begin_piece(owner, ongoing, buffer, left, start, length);
	/* it is in the queue still, so the owner keeps it */
	if (!may_fail(ongoing)) {
		ongoing->piece_count = 0;
		note_unix(socket, task, start, length);
	}
	return 0;
}

/*
 * The current call received from a unix socket, so many bytes or messages in all. It was counted as they were copied,
 * but for what was spliced.
 */
__noinline int unix_consumed_by_call(u64 socket, s64 result)
{
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);
	struct ongoing *ongoing = current_ongoing();
	struct sock *sk = (void *)socket;
	u64 task = bpf_get_current_task();
	bool is_left = false;
	u32 count;

	if (!owner || !ongoing || !has_traced(FAMILY_UNIX))
		return 0;
	count = consumed_by(ongoing, sk, result);
	if (owner->taker == task)
		owner->taker = 0;
	if (!ongoing->taken) {
		if (count && ongoing->number == BY_REQUEST)
			owner->requested = 1;
		note_unix(socket, task, count ? count_received(owner, task, count) : 0, count);
		return 0;
	}
	if (!ongoing->piece_count) {
		settle_piece(owner, ongoing, false);
		return 0;
	}
	/* the caller's memory could not have it, or where it was to be told from whom it is could not be written */
	if (result < 0 || count < ongoing->taken) {
		is_left = is_first(sk, owner);
	} else if (owner->failed_thread == (u32)bpf_get_current_pid_tgid()) {
		/* another took one with the same address for it: where what is next begins is not known */
		bpf_map_delete_elem(&owners, &socket);
		return 0;
	}
	count = settle_piece(owner, ongoing, is_left);
	note_unix(socket, task, ongoing->piece_start, count);
	return 0;
}

/*
 * A unix socket is connected. What is known of the one that will be accepted begins here, before anything is sent: were
 * that left to the first who send and receive, both might begin it.
 */
__noinline int unix_connected(u64 socket)
{
	struct sock *sk = (void *)socket, *peer = unix_peer(sk);
	struct owner *owner;

	if (!has_traced(FAMILY_UNIX) || !peer || BPF_CORE_READ(sk, sk_type) == SOCK_DGRAM)
		return 0;
	owner = owner_begun(peer, sock_inode(peer), sock_inode(sk));
	if (owner)
		owner->counted = 1;
	return 0;
}

#endif
