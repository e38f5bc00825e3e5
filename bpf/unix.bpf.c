/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Unix sockets: one event per send system call, in the sender's own context, at its return, or per
 * request of io_uring at its completion. The receiver is the peer's holder; for datagrams without a
 * peer the socket whose sk_data_ready ran during the call, or, where that can't be hooked, the
 * address the datagram went to.
 */
#include "address.h"
#include "calls.h"
#include "family.h"
#include "hook.h"
#include "in_call.h"
#include "message.h"
#include "scm_rights.h"
#include "unix_message.h"
#include "unix_receiver.h"

/* datagrams of a queue that are looked at for the one just queued */
#define LATEST 8

ANCHOR(struct, receive_record);
ANCHOR(struct, use_record);
ANCHOR(struct, address_record);
ANCHOR(struct, passed_record);
ANCHOR(struct, unix_record);

/*
 * Counts what a sendmmsg has sent to the peer, all at once: the receiver may have taken more than the first of it by the
 * return of the call. Datagrams are of several receivers.
 */
__noinline int count_messages(u64 socket, s64 result)
{
	struct ongoing *ongoing = current_ongoing();
	struct sock *sk = (void *)socket, *peer = unix_peer(sk);

	if (!ongoing || !serves(FAMILY_UNIX))
		return 0;
	ongoing->is_placed = peer && BPF_CORE_READ(sk, sk_type) != SOCK_DGRAM;
	if (!ongoing->is_placed)
		return 0;
	ongoing->place =
		count_sent((u64)peer, sock_inode(sk), sk,
			   is_stream(sk) ? bytes_of_messages(ongoing->argument[1], result,
							     ongoing->compat)
					 : result,
			   false);
	return 0;
}

/* The n-th message of a sendmmsg; 1: to be reported */
__noinline int on_message(u64 vector, u32 n, u64 socket, u32 compat)
{
	struct unix_send *send = new_unix_send(false);
	struct ongoing *ongoing = current_ongoing();
	struct sock *sk = (void *)socket;

	if (!send || !ongoing)
		return 0;
	message_of_vector(&send->message, sk, vector, n, compat);
	send->type = BPF_CORE_READ(sk, sk_type);
	send->is_placed = ongoing->is_placed;
	send->place = ongoing->place;
	ongoing->place += send->type == SOCK_STREAM ? send->message.count : 1;
	return find_receiver(send, CALL_SENDMMSG, n);
}

/* A round of them; -1: that was all */
__noinline int on_messages(u64 vector, u32 first, u32 count, u64 socket)
{
	struct ongoing *ongoing = current_ongoing();

	if (!ongoing)
		return -1;
	for (u32 n = 0; n < MESSAGE_ROUND && serves(FAMILY_UNIX); n++) {
		if (first + n >= count)
			return -1;
		/* not from within on_message: 5.10 counts the frames of both */
		if (!on_message(vector, first + n, socket, ongoing->compat))
			continue;
		tell_unix_send(false);
	}
	return 0;
}

/* true: what is in `unix_sends` is to be reported */
static __always_inline bool on_send(struct ongoing *ongoing, struct sock *sk, long result)
{
	struct unix_send *send = new_unix_send(false);
	u32 type = BPF_CORE_READ(sk, sk_type);

	/* a stream has no messages: nothing sent is no event */
	if (!send || result < 0 ||
	    (result == 0 && (type == SOCK_STREAM || sends_if_any(ongoing->call))))
		return false;
	/* else it is told of each message by itself */
	if (ongoing->call == CALL_SENDMMSG && !config.sends) {
		u64 vector = ongoing->argument[1];

		count_messages((u64)sk, result);
		for (u32 n = 0; n < MESSAGES; n += MESSAGE_ROUND)
			if (on_messages(vector, n, result, (u64)sk) < 0)
				break;
		return false;
	}
	message_of_call(&send->message, sk, ongoing, result);
	send->type = type;
	return find_receiver(send, ongoing->call, 0);
}

/*
 * Who got the datagram of a request: of the sockets that this thread delivered to, the one bound to
 * where it was sent. What other requests delivered may be among them.
 */
__noinline int find_in_call(void)
{
	u32 via_uring = true;
	struct unix_send *send = bpf_map_lookup_elem(&unix_sends, &via_uring);
	struct in_call *in_call = find_this_call(true);
	struct message *message;

	if (!send || !in_call || !serves(FAMILY_UNIX))
		return 0;
	message = &send->message;
	if (message->name_length <= sizeof(u16))
		return 0;
	for (u32 i = 0; i < DELIVERIES; i++) {
		u64 socket = in_call->socks[i];

		barrier();
		if (!socket ||
		    !is_bound_to(socket, message->name + sizeof(u16),
				 message->name_length - sizeof(u16), message->name_copied))
			continue;
		send->other = (struct sock *)socket;
		in_call->socks[i] = 0;
		return 1;
	}
	return 0;
}

/* A request of io_uring that completed; 1: what is in `unix_sends` is to be reported */
static __always_inline bool on_completion(struct completion *completion, struct sock *sk)
{
	struct unix_send *send = new_unix_send(true);
	u32 type = BPF_CORE_READ(sk, sk_type);

	if (!send ||
	    (!completion->result && (type == SOCK_STREAM || completion->opcode == OP_SPLICE)))
		return false;
	message_of_request(&send->message, sk, completion);
	send->type = type;
	if (type == SOCK_DGRAM && send->message.name)
		find_in_call();
	else
		send->other = unix_peer(sk);
	return true;
}

/* A request of io_uring at a unix socket completed */
__noinline int unix_completed(u64 socket)
{
	struct completion *completion = current_completion();
	struct sock *sk = (void *)socket;

	if (!serves(FAMILY_UNIX) || !completion)
		return 0;
	on_sock_used(socket, (u64)completion->task, -1, false);
	if (takes(completion))
		unix_consumed_by_request(
			socket, (u64)completion->task,
			is_stream(sk) ? completion->result : completion->result >= 0,
			completion->spliced);
	if (completion->opcode == OP_ACCEPT)
		on_sock_used((u64)sock_of(file_of(accepted(completion))), (u64)completion->task,
			     accepted(completion), false);
	else if (completion->opcode == OP_RECVMSG && completion->readable && !completion->multishot)
		on_control(socket, completion->base, completion->compat, true);
	else if (sends(completion->opcode) && on_completion(completion, sk))
		tell_unix_send(true);
	return 0;
}

/* The current process received from a unix socket, connected it or accepted from it */
__noinline int unix_received(u64 socket, s64 result)
{
	struct ongoing *ongoing = current_ongoing();

	if (!serves(FAMILY_UNIX) || !ongoing)
		return 0;
	on_sock_used(socket, bpf_get_current_task(), ongoing->from_fd, false);
	unix_consumed_by_call(socket, result);
	if (result < 0)
		return 0;
	if (ongoing->call == CALL_ACCEPT)
		on_sock_used((u64)sock_of(file_of(result)), bpf_get_current_task(), result, false);
	else if (ongoing->call == CALL_RECVMSG)
		on_controls(socket, ongoing->argument[1], 0, ongoing->compat);
	else if (ongoing->call == CALL_RECVMMSG && result > 0)
		repeat_while(i, RECEIVED_MESSAGES,
			     on_controls_of(socket, ongoing->argument[1], i, result,
					    ongoing->compat));
	else if (ongoing->call == CALL_CONNECT)
		unix_connected(socket);
	return 0;
}

/* It sent to one */
__noinline int unix_sent(u64 socket, s64 result)
{
	struct ongoing *ongoing = current_ongoing();

	if (!serves(FAMILY_UNIX) || !ongoing)
		return 0;
	on_sock_used(socket, bpf_get_current_task(), ongoing->to_fd, false);
	if (on_send(ongoing, (struct sock *)socket, result))
		tell_unix_send(false);
	forget_in_call(true);
	return 0;
}

/*
 * Something is about to be sent by a unix socket, or received from it, that nobody tells of: who receives there is a guess
 * from now, unless there is but one who can
 */
__noinline int unix_uncounted(u64 socket, u32 is_sent)
{
	struct sock *sk = (void *)socket, *peer = unix_peer(sk);
	struct owner *owner;

	if (!serves(FAMILY_UNIX) || (is_sent && !peer))
		return 0;
	owner = is_sent ? owner_begun(peer, sock_inode(peer), sock_inode(sk))
			: owner_begun(sk, sock_inode(sk), peer ? sock_inode(peer) : 0);
	if (owner)
		owner->uncounted = 1;
	return 0;
}

/* The socket that the current thread sends with */
static __always_inline struct sock *current_sender(void)
{
	struct ongoing *ongoing = current_ongoing();
	struct in_call *in_call;

	if (ongoing)
		return sock_of((struct file *)ongoing->to);
	in_call = find_this_call(true);
	return in_call ? (struct sock *)in_call->sender : NULL;
}

/*
 * How long the datagram is that was queued just now, where a filter may have cut it: the last one that the current
 * thread's socket has sent there. UNSEEN also where its reader was faster.
 */
static __always_inline u32 queued_length(struct sock *sk)
{
	u64 head = (u64)sk + bpf_core_field_offset(struct sock, sk_receive_queue);
	struct sk_buff *skb;
	struct sock *sender;

	if (!BPF_CORE_READ(sk, sk_filter))
		return UNSEEN;
	sender = current_sender();
	skb = BPF_CORE_READ(sk, sk_receive_queue.prev);
	for (int i = 0; i < LATEST && (u64)skb != head; i++) {
		if (sender && BPF_CORE_READ(skb, sk) == sender)
			return BPF_CORE_READ(skb, len);
		skb = BPF_CORE_READ(skb, prev);
	}
	return UNSEEN;
}

/* Something was queued at a socket */
static __always_inline int on_queued(struct sock *sk)
{
	u32 type = BPF_CORE_READ(sk, sk_type);

	if (BPF_CORE_READ(sk, __sk_common.skc_family) != AF_UNIX)
		return 0;
	if (type == SOCK_STREAM)
		note_queued((void *)scalar(sk));
	else if (type == SOCK_DGRAM || (type == SOCK_SEQPACKET && BPF_CORE_READ(sk, sk_filter)))
		note_in_call(sk, true, queued_length((void *)scalar(sk)));
	return 0;
}

SEC("?fentry/sock_def_readable")
int BPF_PROG(unix_ready__fentry, struct sock *sk)
{
	return on_queued(sk);
}

SEC("?kprobe/sock_def_readable")
int BPF_KPROBE(unix_ready__kprobe, struct sock *sk)
{
	return on_queued(sk);
}

ON_DATA_READY(unix_ready__tracepoint, on_queued)
