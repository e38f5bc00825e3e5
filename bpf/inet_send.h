/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What was sent over the loopback device, and its report to each who receives it. */
#ifndef INET_SEND_H
#define INET_SEND_H
#include "crowd.h"
#include "message.h"
#include "position.h"
#include "receivers.h"
#include "sums.h"

/* One call or message to be reported; in a map for the reason that unix.bpf.c gives */
struct inet_send {
	struct message message;
	struct flow flow;
	u64 other;
	struct process listener;
	u32 kind;
	u32 flags;
	u64 sender; /* of a datagram whose receivers are to be searched for */
	u64 first;  /* receiver of the datagram */
	u64 last;
	u64 channel; /* of TCP */
	u64 dst_inode;
	/* room for what the stack has none for: of five frames 512 bytes in all */
	struct flow reversed;
	struct flow theirs;
	u8 sockaddr[28]; /* a sockaddr_in6, or a sockaddr_in within it */
	u32 nat_port; /* the end that the receiver has otherwise than the sender, by NAT; 0: neither */
	u8 nat_address[16];
	u32 position; /* of TCP: where it begins, if nobody has sent since, */
	u32 come;     /* and behind all that was sent */
	u32 located;  /* flags of the event, for this receiver */
	u32 counted;  /* it has a position */
	u32 covered;  /* of a datagram: bytes that `last` has of it by now */
	u32 direct;   /* a receiver has the port that it was sent to */
	u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct inet_send);
} inet_sends SEC(".maps");

/*
 * Counts what is in `inet_sends`: to a socket that several may receive from it may begin elsewhere than if it was sent
 * last. A function of its own, for its frame to lie beside others
 */
__noinline int place_tcp_send(u32 via_uring)
{
	struct inet_send *send = bpf_map_lookup_elem(&inet_sends, &via_uring);
	struct destination *destination = bpf_map_lookup_elem(&destinations, &via_uring);
	struct owner *owner;
	struct tcp_sock *tcp;
	struct file *file;
	u32 start, latest, come;

	if (!send || !destination || !has_traced(FAMILY_LOOPBACK))
		return 0;
	tcp = (void *)send->message.sk;
	owner = bpf_map_lookup_elem(&owners, &send->other);
	file = sock_file((void *)send->other);
	if (!owner || owner->uncounted || !is_of(owner, send->dst_inode, INET_PEER))
		return 0;
	/* TCP's own numbers tell what was sent, which is as good as to count while nobody else can receive, or send */
	if (!file || !may_have_receivers(owner, file) ||
	    (!via_uring && sends_alone(send->message.sk))) {
		owner->sent = destination->end;
		owner->counted = 1;
		return 0;
	}
	if (!owner->counted) {
		owner->sent = first_over_tcp((void *)send->other);
		owner->counted = 1;
	}
	start = *(volatile u32 *)&owner->sent;
	barrier();
	come = BPF_CORE_READ(tcp, write_seq);
	latest = send->position + come - send->come;
	if (join_crowd(owner, destination, start, latest, come))
		__sync_fetch_and_add(&owner->sent, send->message.count);
	return 0;
}

/* Finds out who receives what is in `inet_sends`, for the report. 1: whom name_destination is to name */
__noinline int locate_inet_send(u32 via_uring)
{
	struct inet_send *send = bpf_map_lookup_elem(&inet_sends, &via_uring);
	struct destination *destination = bpf_map_lookup_elem(&destinations, &via_uring);
	struct owner *owner;
	struct sock *other;
	int known = 0;

	if (!send || !destination || !has_traced(FAMILY_LOOPBACK))
		return 0;
	other = (void *)send->other;
	send->located = 0;
	send->dst_inode = other ? sock_inode(other) : 0;
	if (send->counted) {
		if (other) {
			set_place(destination, send->position, send->message.count);
			place_tcp_send(via_uring);
			known = find_destination(send->other, INET_PEER, send->message.count,
						 via_uring);
			send->located = destination->open ? EVENT_OPEN : 0;
			if (destination->open && !known && send->listener.tgid)
				destination->who = send->listener;
			/* who has received it has closed it since */
			if (!send->dst_inode && !destination->open) {
				owner = bpf_map_lookup_elem(&owners, &send->other);
				if (owner)
					send->dst_inode = owner->inode;
			}
		} else {
			set_place(destination, send->position, send->message.count);
			send->located = EVENT_OPEN;
			destination->who = send->listener;
		}
		/* towards the receiver, as it had it when it was found, whatever NAT made of it: it may be closed since */
		if (!other)
			send->theirs = send->reversed;
		send->channel = channel_of(&send->theirs);
	} else if (other) {
		destination->who = holder_of(other, send->dst_inode, INET_PEER);
		known = destination->who.tgid != 0;
		/* MPTCP: who has received it by now may be gone, and another have it still */
		if (has_others(other, known) || (!known && send->kind == KIND_LOOPBACK_TCP))
			send->located = EVENT_DST_GUESS;
	} else {
		destination->who = send->listener;
		if (send->listener.tgid)
			send->located = EVENT_DST_GUESS;
	}
	return known;
}

/* Whether it may be wanted. A function of its own for its frame to lie beside that of capture() */
static __noinline bool admit_inet_send(struct inet_send *send,
				       const struct destination *destination)
{
	struct process dst = {};

	/* of an open event that is only who may be expected */
	if (!(send->located & EVENT_OPEN))
		dst = destination->who;
	if (send->message.self.who.tgid == config.own_tgid || dst.tgid == config.own_tgid)
		return false;
	return admit(&send->message.self, &dst);
}

/*
 * Whether what is in `inet_sends` was added to a sum: its receiver is known. Global, for its frame to lie beside others
 */
__noinline int sum_inet_send(u32 via_uring)
{
	struct inet_send *send = bpf_map_lookup_elem(&inet_sends, &via_uring);
	struct destination *destination = bpf_map_lookup_elem(&destinations, &via_uring);
	struct sum_key *key;
	u32 flags;

	if (!send || !destination || !has_traced(FAMILY_LOOPBACK) || !destination->who.tgid)
		return false;
	flags = send->flags | send->located;
	key = flags & (EVENT_OPEN | SEND_TO_ADDRESS) ? NULL :
						       sum_key_of(via_uring, send->kind, flags);
	if (!key)
		return false;
	key->src = send->message.self.who;
	key->dst = destination->who;
	*REST(key, loopback_record, src_inode) = send->message.inode;
	*REST(key, loopback_record, dst_inode) = send->dst_inode;
	*REST(key, loopback_record, net) = send->flow.net;
	*REST(key, loopback_record, src_port) = send->flow.local_port;
	*REST(key, loopback_record, dst_port) = send->flow.remote_port;
	*REST(key, loopback_record, nat_port) = send->nat_port;
	__builtin_memcpy(REST(key, loopback_record, src_address), send->flow.local, 16);
	__builtin_memcpy(REST(key, loopback_record, dst_address), send->flow.remote, 16);
	__builtin_memcpy(REST(key, loopback_record, nat_address), send->nat_address, 16);
	return add_to_sum(key, send->message.count);
}

__noinline int report_inet_send(u32 via_uring)
{
	struct inet_send *send = bpf_map_lookup_elem(&inet_sends, &via_uring);
	struct loopback_record *record;
	struct destination *destination = bpf_map_lookup_elem(&destinations, &via_uring);

	if (!send || !destination || !has_traced(FAMILY_LOOPBACK) ||
	    !admit_inet_send(send, destination))
		return 0;
	if (config.sums && sum_inet_send(via_uring))
		return 0;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(send->kind, LOST_RING_FULL, 1);
		return 0;
	}
	begin_event_of(&record->event, send->kind, send->flags | send->located,
		       &send->message.self.who, &destination->who, send->message.count);
	record->src_inode = send->message.inode;
	record->dst_inode = send->dst_inode;
	record->channel = send->channel;
	record->net = send->flow.net;
	record->src_port = send->flow.local_port;
	record->dst_port = send->flow.remote_port;
	record->nat_port = send->nat_port;
	record->position = destination->position;
	record->end = destination->end;
	__builtin_memcpy(record->src_address, send->flow.local, 16);
	__builtin_memcpy(record->dst_address, send->flow.remote, 16);
	__builtin_memcpy(record->nat_address, send->nat_address, 16);
	record->event.captured =
		capture(via_uring ? SCRATCH_REQUEST : SCRATCH_CALL, &send->message.iov,
			wanted_of(send->message.count), record->event.thread);
	bpf_ringbuf_submit(record, wakeup());
	return 0;
}

/* Reports what is in `inet_sends`, to each who receives it */
__noinline int report_sent(u32 via_uring)
{
	struct inet_send *send = bpf_map_lookup_elem(&inet_sends, &via_uring);
	struct receiver_search *search = bpf_map_lookup_elem(&receiver_searches, &via_uring);
	int count = -1;

	if (!send || !search || !has_traced(FAMILY_LOOPBACK))
		return 0;
	if (send->sender) {
		search->flow = send->flow;
		count = find_receivers(send->sender, via_uring);
	}
	if (count < 0) {
		if (locate_inet_send(via_uring))
			name_destination(send->other, via_uring);
		return report_inet_send(via_uring);
	}
	if (search->unsure)
		send->flags |= EVENT_DST_GUESS;
	/* here, for a function more would be a frame more than eight */
	for (int n = 0; n < RECEIVERS; n++) {
		barrier();
		if (n >= count)
			break;
		send->other = search->found[n & (RECEIVERS - 1)];
		if (locate_inet_send(via_uring))
			name_destination(send->other, via_uring);
		report_inet_send(via_uring);
	}
	if (count && search->surplus)
		count_lost(KIND_LOOPBACK_UDP, LOST_MAP_FULL, search->surplus);
	return 0;
}

/* The receiver has another address and port for one of the two ends */
static __always_inline void note_nat(struct inet_send *send, const u8 address[16], u16 port)
{
	send->nat_port = port;
	__builtin_memcpy(send->nat_address, address, 16);
}

static __always_inline struct inet_send *new_inet_send(u32 via_uring)
{
	struct inet_send *send = bpf_map_lookup_elem(&inet_sends, &via_uring);

	if (send)
		__builtin_memset(send, 0, sizeof(*send));
	return send;
}

#endif
