/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What was sent over the loopback device, and its report to each who receives it. */
#ifndef PARCEL_H
#define PARCEL_H
#include "message.h"
#include "receivers.h"

/* One call or message to be reported; in a map for the reason that unix.bpf.c gives */
struct parcel {
	struct message message;
	struct flow flow;
	u64 other;
	struct process dst;
	u32 kind;
	u32 flags;
	u64 sender; /* of a datagram whose receivers are to be searched for */
	u64 first;  /* receiver of the datagram */
	u64 last;
	/* room for what the stack has none for: of five frames 512 bytes in all */
	struct flow reversed;
	struct flow theirs;
	u8 sockaddr[28]; /* a sockaddr_in6, or a sockaddr_in within it */
	u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct parcel);
} parcels SEC(".maps");

__noinline int report_parcel(u32 by_ring)
{
	struct parcel *parcel = bpf_map_lookup_elem(&parcels, &by_ring);
	struct loopback_record *record;
	struct process dst;
	u64 dst_inode = 0;

	if (!parcel || !serves(FAMILY_LOOPBACK))
		return 0;
	dst = parcel->dst;
	if (parcel->other) {
		struct sock *other = (void *)parcel->other;

		dst_inode = sock_inode(other);
		dst = owner_of(other, dst_inode, 0);
	}
	if (parcel->message.self.who.tgid == config.own_tgid || dst.tgid == config.own_tgid)
		return 0;
	if (!admit(&parcel->message.self, &dst))
		return 0;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(parcel->kind, LOST_RING_FULL, 1);
		return 0;
	}
	begin_event(&record->event, parcel->kind, parcel->flags, parcel->message.self.who, dst,
		    parcel->message.count);
	record->src_inode = parcel->message.inode;
	record->dst_inode = dst_inode;
	record->dst_sock = parcel->other;
	record->net = parcel->flow.net;
	record->src_port = parcel->flow.local_port;
	record->dst_port = parcel->flow.remote_port;
	record->reserved = 0;
	__builtin_memcpy(record->src_address, parcel->flow.local, 16);
	__builtin_memcpy(record->dst_address, parcel->flow.remote, 16);
	record->event.captured =
		capture(by_ring ? SLOT_REQUEST : SLOT_CALL, &parcel->message.source,
			wanted_of(parcel->message.count), record->event.thread);
	bpf_ringbuf_submit(record, wakeup());
	return 0;
}

/* Reports what is in the parcel, to each who receives it */
__noinline int report_sent(u32 by_ring)
{
	struct parcel *parcel = bpf_map_lookup_elem(&parcels, &by_ring);
	struct search *search = bpf_map_lookup_elem(&receiver_searches, &by_ring);
	int count = -1;

	if (!parcel || !search || !serves(FAMILY_LOOPBACK))
		return 0;
	if (parcel->sender) {
		search->flow = parcel->flow;
		count = find_receivers(parcel->sender, by_ring);
	}
	if (count < 0)
		return report_parcel(by_ring);
	if (search->unsure)
		parcel->flags |= EVENT_DST_GUESS;
	/* here, for a function more would be a frame more than eight */
	for (int n = 0; n < RECEIVERS; n++) {
		barrier();
		if (n >= count)
			break;
		parcel->other = search->found[n & (RECEIVERS - 1)];
		report_parcel(by_ring);
	}
	return 0;
}

static __always_inline struct parcel *new_parcel(u32 by_ring)
{
	struct parcel *parcel = bpf_map_lookup_elem(&parcels, &by_ring);

	if (parcel)
		__builtin_memset(parcel, 0, sizeof(*parcel));
	return parcel;
}

#endif
