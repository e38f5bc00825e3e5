/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What is in the queue of a unix socket, and how much has come there. */
#ifndef UNIX_QUEUE_H
#define UNIX_QUEUE_H
#include "piece.h"
#include "position.h"

/* A sender's socket has no room for more, each of 768 bytes at least, unless it was given some (SO_SNDBUF) */
#define QUEUED_BUFFERS 512
#define FIRST_BUFFERS 64

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

/* Bytes or messages in a unix socket's queue, of a stream in as many buffers at most */
__noinline u32 queued(u64 socket, u32 buffers)
{
	struct sock *sk = (void *)socket;
	u64 end = socket + bpf_core_field_offset(struct sock, sk_receive_queue);
	struct sk_buff *skb = BPF_CORE_READ(sk, sk_receive_queue.next);
	u32 bytes = 0;

	if (!is_stream(sk))
		return BPF_CORE_READ(sk, sk_receive_queue.qlen);
	repeat_while(i, QUEUED_BUFFERS,
		     i < buffers && skb && (u64)skb != end && add_buffer(&skb, &bytes));
	return bytes;
}

/* Whether somebody receives from a unix socket just now: a message may be out of the queue that is not counted yet */
static __always_inline bool is_taken_from(const struct owner *owner, struct sock *sk)
{
	u64 holder = holder_of_lock(sk);

	return holder && holder != *(volatile u64 *)&owner->taker;
}

/*
 * Behind what has come to a unix socket by now: what was received and what is there. False: that, or a message or piece
 * more, as it changes
 */
static __always_inline bool come_by_now(struct owner *owner, struct sock *sk, u32 *come)
{
	u64 first = (u64)BPF_CORE_READ(sk, sk_receive_queue.next);
	u32 received = *(volatile u32 *)&owner->received;
	u32 thread = *(volatile u32 *)&owner->piece_thread;
	bool is_a_stream = is_stream(sk), is_copied = is_a_stream && thread && is_first(sk, owner);

	*come = received + queued((u64)sk, QUEUED_BUFFERS);
	/* that it is the same comes last: who was about to count has done so by now, if he is not seen to be */
	if ((is_a_stream ? thread != COPYING && thread == *(volatile u32 *)&owner->piece_thread &&
				   is_copied == (thread && is_first(sk, owner))
			 : !is_taken_from(owner, sk)) &&
	    first == (u64)BPF_CORE_READ(sk, sk_receive_queue.next) &&
	    received == *(volatile u32 *)&owner->received) {
		/* a piece that is being copied is in both */
		if (is_copied)
			*come -= owner->piece_count;
		return true;
	}
	*come = *(volatile u32 *)&owner->received + queued((u64)sk, QUEUED_BUFFERS) + !is_a_stream;
	return false;
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
