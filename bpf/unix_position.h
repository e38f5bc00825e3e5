/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Positions of unix sockets, which the kernel does not count: from what is queued at first sight. */
#ifndef UNIX_POSITION_H
#define UNIX_POSITION_H
#include "position.h"

#define QUEUED_BUFFERS 64
#define FEW_BUFFERS 4

/* How much of a stream's buffer is not taken yet */
static __always_inline u32 left_in_buffer(struct sk_buff *skb)
{
	struct unix_skb_parms *parms = (void *)skb + bpf_core_field_offset(struct sk_buff, cb);

	return BPF_CORE_READ(skb, len) - BPF_CORE_READ(parms, consumed);
}

/* Whether the piece that was copied last is where it was before */
static __always_inline bool is_first(struct sock *sk, const struct owner *owner)
{
	u64 first = (u64)BPF_CORE_READ(sk, sk_receive_queue.next);

	return first == owner->piece_place && left_in_buffer((void *)first) == owner->piece_left;
}

static __always_inline bool add_buffer(struct sk_buff **skb, u32 *bytes)
{
	*bytes += left_in_buffer(*skb);
	*skb = BPF_CORE_READ(*skb, next);
	return true;
}

/* Bytes or messages in a unix socket's queue; of more than are walked here as many as were */
__noinline u32 queued(u64 socket)
{
	struct sock *sk = (void *)socket;
	u64 end = socket + bpf_core_field_offset(struct sock, sk_receive_queue);
	struct sk_buff *skb = BPF_CORE_READ(sk, sk_receive_queue.next);
	u32 bytes = 0;

	if (!is_stream(sk))
		return BPF_CORE_READ(sk, sk_receive_queue.qlen);
	repeat_while(i, QUEUED_BUFFERS, skb && (u64)skb != end && add_buffer(&skb, &bytes));
	return bytes;
}

/* How much was sent to a unix socket follows from what has been received and what is there; false: that changed meanwhile */
static __always_inline bool sum_up(struct owner *owner, struct sock *sk)
{
	u32 received = *(volatile u32 *)&owner->received, come;
	u32 thread = *(volatile u32 *)&owner->piece_thread;
	bool is_copied = thread && is_first(sk, owner);

	come = queued((u64)sk);
	/* a piece that is being copied is in both */
	if (is_copied)
		come -= owner->piece_count;
	owner->sent = received + come;
	owner->counted = thread != COPYING && is_copied == (thread && is_first(sk, owner)) &&
			 thread == *(volatile u32 *)&owner->piece_thread &&
			 received == *(volatile u32 *)&owner->received;
	return owner->counted;
}

/*
 * Counts what was sent to a unix socket by one that has `peer` as its inode; the position where it begins. At first that
 * follows from what has been received and what is there, and so it does when more was received than is known to be sent.
 */
static __always_inline u32 count_sent(u64 socket, u64 peer, u32 count)
{
	struct sock *sk = (void *)socket;
	struct owner *owner = owner_begun(sk, sock_inode(sk), peer);
	u32 received, since;

	if (!owner)
		return 0;
	received = *(volatile u32 *)&owner->received;
	if (owner->counted && !is_before(owner->sent + count, received)) {
		__sync_fetch_and_add(&owner->sent, count);
		return *(volatile u32 *)&owner->sent - count;
	}
	/* no loop: 5.10 calls it endless */
	if (!sum_up(owner, sk) && !sum_up(owner, sk))
		sum_up(owner, sk);
	since = *(volatile u32 *)&owner->since;
	barrier();
	/* a message that is taken from there just now, and not counted as received yet */
	if (!owner->reader.tgid && is_before(owner->sent, since + count))
		owner->sent = since + count;
	return owner->sent - count;
}

/*
 * A buffer was added to a stream's queue. Where the piece that was copied last had the same address, its own is gone: it
 * was taken, though its call may not have returned yet.
 */
static __always_inline void note_queued(struct sock *sk)
{
	u64 key = (u64)sk;
	struct owner *owner = bpf_map_lookup_elem(&owners, &key);

	if (owner && owner->piece_thread &&
	    (u64)BPF_CORE_READ(sk, sk_receive_queue.prev) == owner->piece_place)
		owner->piece_place = 0;
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
	is_new = note_reader(owner, &self, start, count);
	if (!owner->uncounted &&
	    is_told(owner, sock_file(sk), is_new, start, start + count + queued(socket)))
		tell_receive(socket, owner->inode, start, count, &self);
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

/* Counts what is taken from a unix socket; the position where it begins */
static __always_inline u32 count_received(struct owner *owner, u32 count)
{
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

/* A request received from a unix socket, so many bytes or messages */
static __always_inline void unix_consumed(u64 socket, u64 task, u32 count)
{
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);

	if (owner && count)
		note_unix(socket, task, count_received(owner, count), count);
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
	if (!is_stream(sk)) {
		ongoing->taken++;
		skip_gone(owner, sk, false);
		note_unix(socket, task, count_received(owner, 1), 1);
		return 0;
	}
	if (!length)
		return 0;
	note_unix(socket, task, ongoing->piece_start, settle_piece(owner, ongoing, false));
	left = left_in_buffer((void *)buffer);
	find_failed(owner, buffer, left);
	undo_failed(owner);
	skip_gone(owner, sk, true);
	owner->piece_thread = COPYING;
	start = count_received(owner, length);
	begin_piece(owner, ongoing, buffer, left, start, length);
	if (!may_fail(ongoing))
		note_unix(socket, task, start, settle_piece(owner, ongoing, false));
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
	if (!ongoing->taken) {
		note_unix(socket, task, count ? count_received(owner, count) : 0, count);
		return 0;
	}
	if (!ongoing->piece_count)
		return 0;
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
