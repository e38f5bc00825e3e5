/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What is in the queue of a unix socket, and how much was sent there: from what is queued at first sight. */
#ifndef UNIX_QUEUE_H
#define UNIX_QUEUE_H
#include "piece.h"
#include "position.h"

#define QUEUED_BUFFERS 64

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

#endif
