/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Who receives what is sent to a socket. A send covers a range of positions, so does a receive: the destination
 * of a send is who received from where it begins. That is known at once when he has received already, or when
 * only one process has the other end open, the one that has received from it before. Else the event
 * is open, and every receive of what it covers is told to user space, which joins them. Either side writes what
 * it did before it reads what the other did, so no event waits for a receive that is not told.
 */
#ifndef POSITION_H
#define POSITION_H
#include "completion.h"
#include "message.h"
#include "owner.h"
#include "uring_receive.h"

#define RECEIVED_MESSAGES 256
#define MSG_ERRQUEUE 0x2000
#define MSG_PEEK 2
/* so far behind all that is received that no receive covers it */
#define NOWHERE (1U << 30)

/* Where what a call sent goes; in a map, for global functions answer numbers only */
struct destination {
	struct process who;
	u32 open;
	u32 position; /* where it begins; of what is sent by many at once where that may be at the earliest */
	u32 end;      /* behind it, or behind all that */
	u32 reserved;
};

/* For calls, and for completions of io_uring */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct destination);
} destinations __weak SEC(".maps");

static __always_inline void set_place(struct destination *destination, u32 start, u32 count)
{
	destination->position = start;
	destination->end = start + count;
}

static __always_inline bool is_stream(struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_type) == SOCK_STREAM;
}

/* Whether a call leaves what it shows where it is, or shows what was never sent */
static __always_inline bool only_looks(const struct ongoing *ongoing)
{
	u64 flags = 0;

	if (ongoing->call == CALL_RECVFROM || ongoing->call == CALL_RECVMMSG)
		flags = ongoing->argument[3];
	else if (ongoing->call == CALL_RECVMSG)
		flags = ongoing->argument[2];
	return flags & (MSG_PEEK | MSG_ERRQUEUE);
}

/* Whether a request that has completed took what it received, if it did */
static __always_inline bool takes(const struct completion *completion)
{
	struct io_sr_msg *message = (void *)completion->request;
	u32 opcode = completion->opcode;

	if (opcode == OP_RECV || opcode == OP_RECVMSG)
		return !(BPF_CORE_READ(message, msg_flags) & (MSG_PEEK | MSG_ERRQUEUE));
	return receives(opcode);
}

static __always_inline bool add_message(u64 message, u32 compat, u32 *bytes)
{
	u32 length = 0;

	bpf_probe_read_user(&length, sizeof(length), (void *)(message + (compat ? 28 : 56)));
	*bytes += length;
	return true;
}

/* Bytes of the messages that a recvmmsg got. A function of its own for the verifier to go through it once */
__weak __noinline u32 bytes_of_vector(u64 vector, u32 count, u32 compat)
{
	u32 bytes = 0;

	repeat_while(i, RECEIVED_MESSAGES,
		     i < count && add_message(message_at(vector, i, compat), compat, &bytes));
	return bytes;
}

/* Bytes of the messages of a sendmmsg, all those that one may have */
__weak __noinline u32 bytes_of_messages(u64 vector, u32 count, u32 compat)
{
	u32 bytes = 0;

	for (u32 n = 0; n < MESSAGES; n += RECEIVED_MESSAGES) {
		if (n >= count)
			break;
		bytes += bytes_of_vector(message_at(vector, n, compat), count - n, compat);
	}
	return bytes;
}

/* Bytes or messages that the current call has taken from a socket */
static __always_inline u32 consumed_by(const struct ongoing *ongoing, struct sock *sk, s64 result)
{
	if (ongoing->call == CALL_ACCEPT || ongoing->call == CALL_CONNECT || result < 0 ||
	    only_looks(ongoing))
		return 0;
	if (!is_stream(sk))
		return ongoing->call == CALL_RECVMMSG ? result : 1;
	if (ongoing->call == CALL_RECVMMSG)
		return bytes_of_vector(ongoing->argument[1], result, ongoing->compat);
	return result;
}

/*
 * Finds out where what was sent to a socket, from the place in `destinations` on, goes. `peer` as above, 0 where that is
 * not known. 1: to whoever used the socket last, whom name_destination is to name.
 */
__weak __noinline int find_destination(u64 socket, u64 peer, u32 count, u32 via_uring)
{
	struct destination *destination = bpf_map_lookup_elem(&destinations, &via_uring);
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);
	struct sock *sk = (void *)socket;
	u32 start, end, last, since;
	struct file *file;
	bool is_held;

	if (!destination)
		return 0;
	destination->who.tgid = 0;
	destination->who.tag = 0;
	destination->open = 1;
	if (!owner || !is_of(owner, sock_inode(sk), peer))
		return 0;
	file = sock_file(sk);
	is_held = holds(owner, file);
	if (is_held && is_held_by_one(file, owner->leader) && same(&owner->who, &owner->reader)) {
		destination->open = 0;
		return 1;
	}
	start = destination->position;
	end = destination->end;
	if (owner->uncounted && peer != INET_PEER) {
		set_place(destination, start + NOWHERE, count);
		return is_held;
	}
	if (is_before(owner->watched, end))
		owner->watched = end;
	__sync_fetch_and_add(&owner->waits, 1);
	since = *(volatile u32 *)&owner->since;
	/* the first of it is what counts, whoever takes the rest, but where that is not known */
	last = end - start == count ? start : end - 1;
	if (is_before(last, *(volatile u32 *)&owner->noted) && !is_before(start, since) &&
	    owner->reader.tgid) {
		barrier();
		destination->who = owner->reader;
		barrier();
		/* else another one began to receive just now, and who was read may be him */
		destination->open = since != *(volatile u32 *)&owner->since;
		return 0;
	}
	return is_held;
}

/* Names the process that used a socket last as it is called by now, in `destinations` */
__weak __noinline int name_destination(u64 socket, u32 via_uring)
{
	struct destination *destination = bpf_map_lookup_elem(&destinations, &via_uring);
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);
	struct identity id = {};

	if (!destination || !owner)
		return 0;
	name_by_now(owner->leader, &owner->who, &id);
	destination->who = id.who;
	return 0;
}

/* Tells user space of a receive; unclear: it is not known that it was this process who took what is there */
static __always_inline void tell_receive(u64 channel, u64 inode, u32 start, u32 count,
					 struct identity *self, bool unclear)
{
	struct receive_record *record;

	announce(self);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(KIND_UNKNOWN, LOST_RING_FULL, 1);
		return;
	}
	record->type = RECORD_RECEIVE;
	record->position = start;
	record->time = bpf_ktime_get_boot_ns();
	record->inode = inode;
	record->channel = channel;
	record->who = self->who;
	record->count = count;
	record->unclear = unclear;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/*
 * Notes who has received what begins at a position. He is written before the range is: whoever finds that is to find
 * him. True: it is to be told, for it was another before, or somebody else's later receive is noted already.
 */
static __always_inline bool note_reader(struct owner *owner, struct identity *self, u32 start,
					u32 count)
{
	u32 noted;
	bool is_new = true;

	__sync_fetch_and_add(&owner->notes, 1);
	noted = *(volatile u32 *)&owner->noted;
	/* two at once: none of them is known to be the last */
	if (*(volatile u32 *)&owner->notes == 1 && !is_before(start, noted)) {
		is_new = !same(&owner->reader, &self->who);
		/* what lies between was another's, who has not noted it yet */
		if (is_new || start != noted) {
			*(volatile u32 *)&owner->since = start;
			barrier();
			owner->reader = self->who;
			barrier();
		}
		*(volatile u32 *)&owner->noted = start + count;
	}
	__sync_fetch_and_add(&owner->notes, -1);
	return is_new;
}

/*
 * Whether a receive from a position on that was counted is to be told. What has come by now and is not received yet
 * is told as well when another process received before, for its events are open.
 */
static __always_inline bool is_told(struct owner *owner, struct file *file, bool is_new, u32 start,
				    u32 come)
{
	if (is_new && is_before(owner->watched, come))
		owner->watched = come;
	return is_new || !file || !is_held_by_one(file, owner->leader) ||
	       is_before(start, *(volatile u32 *)&owner->watched);
}

#endif
