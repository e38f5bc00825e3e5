/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What one call, one of its messages or one request sends over a unix socket, and its report. */
#ifndef UNIX_SEND_H
#define UNIX_SEND_H
#include "address.h"
#include "family.h"
#include "message.h"

struct unix_send {
	struct message message;
	struct sock *other;
	u64 type;
};

/* In a map for report() to be a global function; one for each program that sends, as payload.h says */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct unix_send);
} unix_sends SEC(".maps");

static __always_inline struct unix_send *new_unix_send(u32 via_uring)
{
	struct unix_send *send = bpf_map_lookup_elem(&unix_sends, &via_uring);

	if (send)
		__builtin_memset(send, 0, sizeof(*send));
	return send;
}

/* Reports what is in `unix_sends` */
__noinline int report_unix_send(u32 via_uring)
{
	u32 flags = 0;
	struct unix_send *send = bpf_map_lookup_elem(&unix_sends, &via_uring);
	u64 dst_inode = 0, address = 0;
	struct process dst = {};
	struct unix_record *record;
	struct message *message;
	struct sock *sk, *other;
	enum kind kind;

	if (!send || !serves(FAMILY_UNIX))
		return 0;
	message = &send->message;
	sk = message->sk;
	other = send->other;
	kind = send->type == SOCK_STREAM  ? KIND_UNIX_STREAM
	       : send->type == SOCK_DGRAM ? KIND_UNIX_DGRAM
					  : KIND_UNIX_SEQPACKET;
	if (!traces(kind))
		return 0;
	if (other)
		dst_inode = sock_inode(other);
	if (other)
		dst = owner_of(other, dst_inode, send->type == SOCK_DGRAM ? 0 : message->inode);
	if (message->self.who.tgid == config.own_tgid || dst.tgid == config.own_tgid)
		return 0;
	if (!admit(&message->self, &dst))
		return 0;
	if (send->type == SOCK_DGRAM) {
		if (mention_address((u64)sk, message->inode))
			address = message->inode;
		else if (other && mention_address((u64)other, dst_inode))
			address = dst_inode;
	} else if (other) {
		/* both ends bound: that of the one accepted, which is the later, in both directions */
		bool later = !dst_inode || dst_inode > message->inode;
		struct sock *first = later ? other : sk, *second = later ? sk : other;

		if (mention_address((u64)first, message->inode) ||
		    mention_address((u64)second, message->inode))
			address = message->inode;
	}
	if (address)
		flags |= SEND_BOUND;
	if (dst_inode && !dst.tgid && is_unheld(other))
		flags |= SEND_UNHELD;
	if (!other && message->name && message->name_length > sizeof(u16)) {
		flags |= SEND_TO_ADDRESS | SEND_BOUND;
		address = bpf_ktime_get_ns() | (1ULL << 63);
		send_address(address, (void *)message->name + sizeof(u16),
			     message->name_length - sizeof(u16), !message->name_copied);
	}
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(kind, LOST_RING_FULL, 1);
		return 0;
	}
	begin_event(&record->event, kind, flags, message->self.who, dst, message->count);
	record->src_inode = message->inode;
	record->dst_inode = dst_inode;
	record->dst_sock = (u64)other;
	record->address = address;
	record->net = sock_net(sk);
	record->reserved = 0;
	record->event.captured = capture(via_uring ? SCRATCH_REQUEST : SCRATCH_CALL, &message->iov,
					 wanted_of(message->count), record->event.thread);
	bpf_ringbuf_submit(record, wakeup());
	return 0;
}

#endif
