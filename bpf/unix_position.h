/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Positions of unix sockets, which the kernel does not count: from what is queued at first sight. */
#ifndef UNIX_POSITION_H
#define UNIX_POSITION_H
#include "position.h"

#define QUEUED_BUFFERS 64

/* Bytes or messages in a unix socket's queue; of more than are walked here as many as were */
__noinline u32 queued(u64 socket)
{
	struct sock *sk = (void *)socket;
	u64 end = socket + bpf_core_field_offset(struct sock, sk_receive_queue);
	struct sk_buff *skb = BPF_CORE_READ(sk, sk_receive_queue.next);
	u32 bytes = 0;

	if (!is_stream(sk))
		return BPF_CORE_READ(sk, sk_receive_queue.qlen);
	for (u32 i = 0; i < QUEUED_BUFFERS; i++) {
		struct unix_skb_parms *parms;

		barrier();
		if (!skb || (u64)skb == end)
			break;
		parms = (void *)skb + bpf_core_field_offset(struct sk_buff, cb);
		bytes += BPF_CORE_READ(skb, len) - BPF_CORE_READ(parms, consumed);
		skb = BPF_CORE_READ(skb, next);
	}
	return bytes;
}

/* Counts what was sent to a unix socket by one that has `peer` as its inode; the position where it begins */
static __always_inline u32 count_sent(u64 socket, u64 peer, u32 count)
{
	struct sock *sk = (void *)socket;
	u64 inode = sock_inode(sk);
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);
	bool is_new = !owner || !is_of(owner, inode, peer);

	owner = owner_begun(sk, inode, peer);
	if (!owner)
		return 0;
	if (is_new) {
		u32 waiting = queued(socket);

		/* it was there before what is sent now */
		if (waiting > count)
			__sync_fetch_and_add(&owner->sent, waiting - count);
	}
	__sync_fetch_and_add(&owner->sent, count);
	return *(volatile u32 *)&owner->sent - count;
}

/* What a process takes from a unix socket, while nobody else can take from it */
static __always_inline void unix_took(struct sock *sk, struct owner *owner,
				      struct task_struct *task, u32 count)
{
	u64 socket = (u64)sk;
	struct identity self = {};
	u32 start = *(volatile u32 *)&owner->received;
	bool is_new;

	identify(task, &self);
	is_new = note_reader(owner, &self, start);
	__sync_fetch_and_add(&owner->received, count);
	if (is_told(owner, sock_file(sk), is_new, start, start + count + queued(socket)))
		tell_receive(socket, owner->inode, start, count, &self);
}

/*
 * A process received from a unix socket, so many bytes or messages in all. It was counted as they were copied,
 * but for what was spliced, or could not be copied.
 */
__noinline int unix_consumed(u64 socket, u64 task, u32 count, u32 taken)
{
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);

	if (!owner || count == taken || !has_traced(FAMILY_UNIX))
		return 0;
	if (taken)
		__sync_fetch_and_add(&owner->received, count - taken);
	else
		unix_took((void *)socket, owner, (void *)task, count);
	return 0;
}

/*
 * A unix socket is connected. What is known of the one that will be accepted begins here, before anything is sent: were
 * that left to the first who send and receive, both might begin it.
 */
__noinline int unix_connected(u64 socket)
{
	struct sock *sk = (void *)socket, *peer = unix_peer(sk);

	if (has_traced(FAMILY_UNIX) && peer && BPF_CORE_READ(sk, sk_type) != SOCK_DGRAM)
		owner_begun(peer, sock_inode(peer), sock_inode(sk));
	return 0;
}

#endif
