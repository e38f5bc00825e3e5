/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What one call, one of its messages or one request sends over a unix socket, and its report. */
#ifndef UNIX_SEND_H
#define UNIX_SEND_H
#include "address.h"
#include "family.h"
#include "message.h"
#include "scm_rights.h"
#include "unix_position.h"
#include "sums.h"

struct unix_send {
	struct message message;
	struct sock *other;
	u64 type;
	u64 address; /* key of an address_record */
	u32 place;   /* where it begins, if it is counted already */
	u32 is_placed;
	u64 dst_inode;
	u32 flags; /* of its event */
	u32 reserved;
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

/* The address of the end that was accepted, in both directions, though the other be bound as well; false: neither is */
static __always_inline bool name_connection(struct unix_send *send, u64 dst_inode)
{
	struct sock *sk = send->message.sk, *other = send->other, *first = other, *second = sk;
	u64 key = send->message.inode;
	bool here = is_accepted(sk), there = is_accepted(other);

	/* where nothing tells, it is the one made later, which is known but for the numbers' order */
	if (here != there ? here : dst_inode && dst_inode < key) {
		first = sk;
		second = other;
	}
	send->address = key;
	return mention_address((u64)first, key) || mention_address((u64)second, key);
}

/* The addresses of a datagram's receiver and of its sender; flags of the event */
static __always_inline u32 name_datagram(struct unix_send *send, u64 dst_inode)
{
	struct message *message = &send->message;
	u32 flags = 0;

	if (send->other) {
		send->address = dst_inode;
		if (mention_address((u64)send->other, dst_inode))
			flags = SEND_BOUND;
	} else if (message->name && message->name_length > sizeof(u16)) {
		flags = SEND_TO_ADDRESS | SEND_BOUND;
		send->address = bpf_ktime_get_ns() | (1ULL << 63);
		send_destination(send->address, message->name + sizeof(u16),
				 message->name_length - sizeof(u16), message->name_copied);
	}
	if (!mention_address((u64)message->sk, message->inode))
		return flags;
	if (flags)
		return flags | SEND_FROM_BOUND;
	send->address = message->inode;
	return SEND_BOUND;
}

static __always_inline enum kind kind_of_send(const struct unix_send *send)
{
	return send->type == SOCK_STREAM  ? KIND_UNIX_STREAM
	       : send->type == SOCK_DGRAM ? KIND_UNIX_DGRAM
					  : KIND_UNIX_SEQPACKET;
}

static __always_inline bool is_located(const struct unix_send *send)
{
	return send && send->other && has_traced(FAMILY_UNIX) && traces(kind_of_send(send));
}

/* Inode of the one end that sends to the other; 0: any may */
static __always_inline u64 peer_of(const struct unix_send *send)
{
	return send->type == SOCK_DGRAM ? 0 : send->message.inode;
}

/* As positions count it */
static __always_inline u32 length_of(const struct unix_send *send)
{
	return send->type == SOCK_STREAM ? send->message.count : 1;
}

/* Counts what is in `unix_sends`. A function of its own, for its frame to lie beside others */
__noinline int place_unix_send(u32 via_uring)
{
	struct unix_send *send = bpf_map_lookup_elem(&unix_sends, &via_uring);

	if (!is_located(send))
		return 0;
	if (send->is_placed)
		find_place((u64)send->other, send->place, length_of(send), via_uring);
	else
		count_sent((u64)send->other, peer_of(send), via_uring ? NULL : send->message.sk,
			   length_of(send), via_uring);
	return 0;
}

/* Finds out where what is in `unix_sends` goes, into `destinations` */
__noinline int locate_unix_send(u32 via_uring)
{
	struct unix_send *send = bpf_map_lookup_elem(&unix_sends, &via_uring);

	if (is_located(send) && find_destination((u64)send->other, peer_of(send), length_of(send), via_uring))
		name_destination((u64)send->other, via_uring);
	return 0;
}

/*
 * Tells of the descriptors that what is in `unix_sends` passes. Global, and not from within report_unix_send, for its
 * frame to lie beside that one's
 */
__noinline int pass_descriptors(u32 via_uring)
{
	struct unix_send *send = bpf_map_lookup_elem(&unix_sends, &via_uring);
	u32 which = PASSING_SENT | via_uring;
	struct message *message;

	if (!send || !has_traced(FAMILY_UNIX))
		return 0;
	message = &send->message;
	begin_passing(which, send->other ? sock_inode(send->other) : 0);
	add_controls(message->control, message->control_length, message->control_compat,
		     message->control_copied ? which | PASSING_COPIED : which);
	repeat_while(i, PASSED, name_passed(which, i));
	message->passed = end_passing(which);
	message->control = 0;
	return 0;
}

/*
 * Whether what is in `unix_sends` was added to a sum: its receiver is a fact. Global, for its frame to lie beside
 * others
 */
__noinline int sum_unix_send(u32 via_uring, u32 flags)
{
	struct unix_send *send = bpf_map_lookup_elem(&unix_sends, &via_uring);
	struct destination *destination = bpf_map_lookup_elem(&destinations, &via_uring);
	struct sum_key *key;

	if (!send || !destination || !has_traced(FAMILY_UNIX) || !send->other ||
	    !destination->who.tgid || flags & (EVENT_OPEN | SEND_UNHELD | SEND_PASSES))
		return false;
	key = sum_key_of(via_uring, kind_of_send(send), flags);
	if (!key)
		return false;
	key->src = send->message.self.who;
	key->dst = destination->who;
	*REST(key, unix_record, src_inode) = send->message.inode;
	*REST(key, unix_record, dst_inode) = sock_inode(send->other);
	*REST(key, unix_record, address) = send->address;
	*REST(key, unix_record, src_address) = send->message.inode;
	*REST(key, unix_record, net) = sock_net(send->message.sk);
	return add_to_sum(key, send->message.count);
}

enum verdict {
	NOTHING_TO_REPORT,
	DESCRIPTORS_FIRST, /* pass_descriptors, then once more */
	TO_REPORT,
};

/* Whether what is in `unix_sends` has an event, and what that says of its ends */
__noinline int judge_unix_send(u32 via_uring)
{
	u32 flags = 0;
	struct unix_send *send = bpf_map_lookup_elem(&unix_sends, &via_uring);
	u64 dst_inode = 0;
	struct destination *destination = bpf_map_lookup_elem(&destinations, &via_uring);
	struct process dst = {};
	struct message *message;
	struct sock *other;

	if (!send || !destination || !has_traced(FAMILY_UNIX) || !traces(kind_of_send(send)))
		return NOTHING_TO_REPORT;
	message = &send->message;
	other = send->other;
	if (other) {
		dst_inode = sock_inode(other);
		/* of an open event only who may be expected */
		if (destination->open)
			flags |= EVENT_OPEN;
		else
			dst = destination->who;
	}
	if (message->self.who.tgid == config.own_tgid || dst.tgid == config.own_tgid)
		return NOTHING_TO_REPORT;
	if (!admit(&message->self, &dst))
		return NOTHING_TO_REPORT;
	if (message->control && message->control_length)
		return DESCRIPTORS_FIRST;
	if (message->passed)
		flags |= SEND_PASSES;
	if (send->type == SOCK_DGRAM)
		flags |= name_datagram(send, dst_inode);
	else if (other && name_connection(send, dst_inode))
		flags |= SEND_BOUND;
	if (dst_inode && !dst.tgid && is_unheld(other))
		flags |= SEND_UNHELD;
	send->dst_inode = dst_inode;
	send->flags = flags;
	return config.sums && sum_unix_send(via_uring, flags) ? NOTHING_TO_REPORT : TO_REPORT;
}

/*
 * Reports what is in `unix_sends`. Global, and apart from what decides it, for the verifier to go through it once and
 * not for each answer that there may be
 */
__noinline int report_unix_send(u32 via_uring)
{
	struct unix_send *send = bpf_map_lookup_elem(&unix_sends, &via_uring);
	struct destination *destination = bpf_map_lookup_elem(&destinations, &via_uring);
	struct process dst = {};
	struct unix_record *record;
	struct message *message;
	enum kind kind;

	if (!send || !destination || !has_traced(FAMILY_UNIX))
		return 0;
	message = &send->message;
	kind = kind_of_send(send);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(kind, LOST_RING_FULL, 1);
		return 0;
	}
	if (send->other)
		dst = destination->who;
	begin_event(&record->event, kind, send->flags, message->self.who, dst, message->count);
	if (message->passed)
		record->event.time = message->passed;
	record->src_inode = message->inode;
	record->dst_inode = send->dst_inode;
	record->channel = (u64)send->other;
	record->address = send->address;
	record->src_address = message->inode;
	record->net = sock_net(message->sk);
	record->position = destination->position;
	record->end = destination->end;
	record->event.captured = capture(via_uring ? SCRATCH_REQUEST : SCRATCH_CALL, &message->iov,
					 wanted_of(message->count), record->event.thread);
	bpf_ringbuf_submit(record, wakeup());
	return 0;
}

/* Reports what is in `unix_sends`, with all that goes along with it */
static __always_inline void tell_unix_send(u32 via_uring)
{
	int verdict;

	place_unix_send(via_uring);
	locate_unix_send(via_uring);
	verdict = judge_unix_send(via_uring);
	if (verdict == DESCRIPTORS_FIRST) {
		pass_descriptors(via_uring);
		verdict = judge_unix_send(via_uring);
	}
	if (verdict == TO_REPORT)
		report_unix_send(via_uring);
}

#endif
