/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * TCP and UDP over the loopback device: one event per send system call, in the sender's own
 * context, at its return, or per request of io_uring at its completion; on the receive side
 * `current` is anybody. A TCP receiver is the socket with the reversed 4-tuple in the same network
 * namespace; a datagram's is the socket whose sk_data_ready ran for it (udp_delivery.h); where that can't
 * be hooked, those that receivers.h finds.
 */
#include "calls.h"
#include "family.h"
#include "hook.h"
#include "tcp.h"
#include "udp.h"

ANCHOR(struct, loopback_record);

/* The n-th message of a sendmmsg, which sent so many bytes after it; 1: to be reported */
__noinline int on_inet_message(u64 vector, u32 n, u64 socket, u32 compat, u32 behind)
{
	struct inet_send *send = new_inet_send(false);
	struct sock *sk = (void *)socket;

	if (!send || !serves(FAMILY_LOOPBACK))
		return 0;
	message_of_vector(&send->message, sk, vector, n, compat);
	if (is_tcp(sk)) {
		bool is_sent = send_tcp(sk, send, false);

		/* the number at the return is that behind the call's last one */
		if (send->counted)
			send->position -= behind;
		return is_sent;
	}
	if (is_inet(sk, IPPROTO_UDP))
		return send_udp(sk, send, false, false);
	return 0;
}

/* A round of them; -1: that was all */
__noinline int on_inet_messages(u64 vector, u32 first, u32 count, u64 socket)
{
	struct ongoing *ongoing = current_ongoing();
	u32 behind = 0, compat;

	if (!ongoing)
		return -1;
	compat = ongoing->compat;
	vector = message_at(vector, first, compat);
	if (is_tcp((void *)socket))
		behind = bytes_of_messages(vector, count - first, compat);
	for (u32 n = 0; n < MESSAGE_ROUND && serves(FAMILY_LOOPBACK); n++) {
		if (first + n >= count)
			return -1;
		if (behind)
			behind -= bytes_of_vector(message_at(vector, n, compat), 1, compat);
		/* not from within on_inet_message: 5.10 counts the frames of both */
		if (on_inet_message(vector, n, socket, compat, behind))
			report_sent(false);
	}
	return 0;
}

static __always_inline int on_send(struct ongoing *ongoing, struct sock *sk, long result)
{
	struct inet_send *send;

	if (result < 0 || (result == 0 && sends_if_any(ongoing->call)))
		return 0;
	/* else it is told of each message by itself */
	if (ongoing->call == CALL_SENDMMSG && !config.sends) {
		u64 vector = ongoing->argument[1];

		for (u32 n = 0; n < MESSAGES; n += MESSAGE_ROUND)
			if (on_inet_messages(vector, n, result, (u64)sk) < 0)
				break;
		return 0;
	}
	send = new_inet_send(false);
	if (!send)
		return 0;
	message_of_call(&send->message, sk, ongoing, result);
	if (is_tcp(sk) ? send_tcp(sk, send, false)
		       : send_udp(sk, send, true, ongoing->call == CALL_SETSOCKOPT))
		report_sent(false);
	return 0;
}

/* A request of io_uring at a socket of ours completed */
__noinline int loopback_completed(u64 socket)
{
	struct completion *completion = current_completion();
	struct sock *sk = (void *)socket;
	struct inet_send *send;

	if (!serves(FAMILY_LOOPBACK) || !completion)
		return 0;
	on_inet_sock_used(socket, (u64)completion->task, -1);
	/* sock_recv_length tells of no splice */
	if ((!config.receives || completion->spliced) && takes(completion) &&
	    is_inet(sk, IPPROTO_TCP))
		tcp_consumed(socket, (u64)completion->task, completion->result, !config.receives);
	if (completion->opcode == OP_ACCEPT)
		on_inet_sock_used((u64)sock_of(file_of(accepted(completion))),
				  (u64)completion->task, accepted(completion));
	if (!sends(completion->opcode))
		return 0;
	send = new_inet_send(true);
	if (!send)
		return 0;
	message_of_request(&send->message, sk, completion);
	if (is_tcp(sk) ? send_tcp(sk, send, true) : send_udp(sk, send, false, false))
		report_sent(true);
	return 0;
}

/* A connection is about to carry what is in no count: who else sends over it at once is not known from now */
__noinline int loopback_uncounted(u64 socket)
{
	struct flow flow, reversed;
	struct owner *owner;
	u64 *other;

	if (!serves(FAMILY_LOOPBACK) || !is_inet((void *)socket, IPPROTO_TCP))
		return 0;
	flow_of((void *)socket, &flow);
	reverse(&flow, &reversed);
	other = bpf_map_lookup_elem(&flows, &reversed);
	owner = other ? bpf_map_lookup_elem(&owners, other) : NULL;
	if (owner)
		owner->uncounted = 1;
	return 0;
}

/* The current process received from a socket of ours, connected it or accepted from it */
__noinline int loopback_received(u64 socket, s64 result)
{
	struct ongoing *ongoing = current_ongoing();

	if (!serves(FAMILY_LOOPBACK) || !ongoing)
		return 0;
	on_inet_sock_used(socket, bpf_get_current_task(), ongoing->from_fd);
	if (is_inet((void *)socket, IPPROTO_TCP))
		tcp_consumed_by_call(socket, result);
	if (ongoing->call == CALL_ACCEPT && result >= 0)
		on_inet_sock_used((u64)sock_of(file_of(result)), bpf_get_current_task(), result);
	return 0;
}

/* It sent to one */
__noinline int loopback_sent(u64 socket, s64 result)
{
	struct ongoing *ongoing = current_ongoing();

	if (!serves(FAMILY_LOOPBACK) || !ongoing)
		return 0;
	on_inet_sock_used(socket, bpf_get_current_task(), ongoing->to_fd);
	on_send(ongoing, (struct sock *)socket, result);
	forget_in_call(false);
	return 0;
}

/* A datagram is about to be sent: whoever is told of one within it is told of this one */
__noinline int loopback_message_begins(u64 socket)
{
	struct in_call *in_call;

	if (!has_traced(FAMILY_LOOPBACK))
		return 0;
	in_call = this_call(false);
	if (in_call)
		in_call->sender = socket;
	return 0;
}

/* Reports what is in `inet_sends`, begun */
static __always_inline void on_inet_send(struct inet_send *send, struct sock *sk)
{
	if (is_tcp(sk) ? send_tcp(sk, send, false) : send_udp(sk, send, true, false))
		report_sent(false);
}

/* A message was sent, as the kernel's struct msghdr has it */
__noinline int loopback_message_sent(u64 socket, u64 header, u64 length, s64 result)
{
	struct inet_send *send = new_inet_send(false);
	struct sock *sk = (void *)socket;

	if (!has_traced(FAMILY_LOOPBACK) || !send)
		return 0;
	on_inet_sock_used(socket, bpf_get_current_task(), HELD_AS_BEFORE);
	if (result > 0 || (!result && !is_tcp(sk))) {
		message_of_header(&send->message, sk, header, length, result);
		on_inet_send(send, sk);
	}
	forget_in_call(false);
	return 0;
}

/* A splice or sendfile has sent all that it will */
__noinline int loopback_pieces_sent(u64 socket, s64 sum)
{
	struct inet_send *send = new_inet_send(false);
	struct sock *sk = (void *)socket;

	if (!has_traced(FAMILY_LOOPBACK) || !send)
		return 0;
	on_inet_sock_used(socket, bpf_get_current_task(), HELD_AS_BEFORE);
	begin_message(&send->message, sk, (void *)bpf_get_current_task(), sum);
	on_inet_send(send, sk);
	forget_in_call(false);
	return 0;
}

/* A setsockopt returned, within which a datagram may have been sent that was held back */
__noinline int loopback_uncorked(s64 result)
{
	struct in_call *in_call = find_this_call(false);
	struct inet_send *send = new_inet_send(false);
	struct sock *sk;

	if (!has_traced(FAMILY_LOOPBACK) || !in_call || !send)
		return 0;
	sk = (void *)in_call->sender;
	begin_message(&send->message, sk, (void *)bpf_get_current_task(), 0);
	if (!result && send_udp(sk, send, true, true))
		report_sent(false);
	forget_in_call(false);
	return 0;
}

/* The current process received by the function that `ongoing` tells of */
__noinline int loopback_message_received(u64 socket, s64 result)
{
	struct ongoing *ongoing = current_ongoing();

	if (!has_traced(FAMILY_LOOPBACK) || !ongoing)
		return 0;
	on_inet_sock_used(socket, bpf_get_current_task(), held_since(ongoing, socket));
	if (is_inet((void *)socket, IPPROTO_TCP))
		tcp_consumed_by_call(socket, result);
	return 0;
}

/* It spliced from one; else than TCP is received from within */
__noinline int loopback_spliced(u64 socket, s64 result)
{
	if (!has_traced(FAMILY_LOOPBACK) || result < 0)
		return 0;
	on_inet_sock_used(socket, bpf_get_current_task(), HELD_AS_BEFORE);
	if (is_inet((void *)socket, IPPROTO_TCP))
		tcp_consumed(socket, bpf_get_current_task(), result, false);
	return 0;
}

/* A receiver had no room for a datagram; on another's time than its sender's nobody waits for it */
SEC("?tp_btf/udp_fail_queue_rcv_skb")
int BPF_PROG(loopback_fail__any)
{
	struct in_call *in_call;

	if (!sender_of_call() && call_of(current_call(), in_compat_call()) != CALL_URING)
		return 0;
	in_call = this_call(false);
	if (in_call)
		in_call->failed++;
	return 0;
}

static __always_inline int on_datagram(struct sock *sk)
{
	return on_udp_delivery(scalar(sk));
}

SEC("?fentry/sock_def_readable")
int BPF_PROG(loopback_ready__fentry, struct sock *sk)
{
	return on_datagram(sk);
}

SEC("?kprobe/sock_def_readable")
int BPF_KPROBE(loopback_ready__kprobe, struct sock *sk)
{
	return on_datagram(sk);
}

ON_DATA_READY(loopback_ready__tracepoint, on_datagram)
