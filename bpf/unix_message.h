/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Messages of unix sockets as functions tell of them (functions_unix.bpf.c). */
#ifndef UNIX_MESSAGE_H
#define UNIX_MESSAGE_H
#include "functions.h"
#include "scm_rights.h"
#include "unix_receiver.h"

/* A datagram is about to be sent: whoever is told of one from here on is told of this one */
__noinline int unix_message_begins(u64 socket)
{
	struct in_call *in_call;

	if (!has_traced(FAMILY_UNIX))
		return 0;
	in_call = this_call(true);
	if (!in_call)
		return 0;
	in_call->count = 0;
	in_call->sender = socket;
	return 0;
}

/* Reports what is in `unix_sends`, begun, if anybody is to receive it */
static __always_inline void on_unix_send(struct unix_send *send)
{
	if (find_receiver(send, CALL_SENDMSG, 0))
		tell_unix_send(false);
}

/* A message was sent, as the kernel's struct msghdr has it */
__noinline int unix_message_sent(u64 socket, u64 header, u64 length, s64 result)
{
	struct unix_send *send = new_unix_send(false);
	struct sock *sk = (void *)socket;

	if (!has_traced(FAMILY_UNIX) || !send)
		return 0;
	on_sock_used(socket, bpf_get_current_task(), HELD_AS_BEFORE, false);
	send->type = BPF_CORE_READ(sk, sk_type);
	if (result < 0 || (!result && send->type == SOCK_STREAM))
		return 0;
	message_of_header(&send->message, sk, header, length, result);
	on_unix_send(send);
	return 0;
}

/* A splice or sendfile has sent all that it will */
__noinline int unix_pieces_sent(u64 socket, s64 sum)
{
	struct unix_send *send = new_unix_send(false);
	struct sock *sk = (void *)socket;

	if (!has_traced(FAMILY_UNIX) || !send)
		return 0;
	on_sock_used(socket, bpf_get_current_task(), HELD_AS_BEFORE, false);
	send->type = BPF_CORE_READ(sk, sk_type);
	begin_message(&send->message, sk, (void *)bpf_get_current_task(), sum);
	on_unix_send(send);
	return 0;
}

/* The current process received by the function that `ongoing` tells of */
__noinline int unix_message_received(u64 socket, s64 result)
{
	struct ongoing *ongoing = current_ongoing();

	if (!has_traced(FAMILY_UNIX) || !ongoing)
		return 0;
	on_sock_used(socket, bpf_get_current_task(), held_since(ongoing, socket), false);
	unix_consumed_by_call(socket, result);
	return 0;
}

/* Descriptors that a socket gave have got their numbers, which the kernel has written to `control` */
__noinline int unix_rights_received(u64 socket, u64 control, u32 compat)
{
	u32 head = compat ? 12 : 16;
	u64 size = 0;

	if (!has_traced(FAMILY_UNIX))
		return 0;
	if (bpf_probe_read_user(&size, compat ? 4 : 8, (void *)control) || size < head)
		return 0;
	return rights_received(socket, control + head, size - head, false);
}

/* It spliced from one; else than a stream is received from within */
__noinline int unix_spliced(u64 socket, s64 result)
{
	if (!has_traced(FAMILY_UNIX) || result < 0)
		return 0;
	on_sock_used(socket, bpf_get_current_task(), HELD_AS_BEFORE, false);
	if (is_stream((void *)socket))
		unix_consumed(socket, bpf_get_current_task(), result);
	return 0;
}

#endif
