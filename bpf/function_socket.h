/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Sockets by functions: their messages, and who uses and receives from them. */
#ifndef FUNCTION_SOCKET_H
#define FUNCTION_SOCKET_H
#include "function.h"
#include "function_hook.h"
#include "position.h"

static __always_inline void on_use(u32 family, u64 sock)
{
	if (family == FAMILY_UNIX)
		on_sock_used(sock, bpf_get_current_task(), HELD, false);
	else if (family == FAMILY_LOOPBACK)
		on_inet_sock_used(sock, bpf_get_current_task(), HELD);
}

static __always_inline bool is_socket_traced(u64 socket, u64 second, u64 third)
{
	u64 sock;

	return family_of_socket((struct socket *)socket, &sock) != FAMILY_NONE;
}

static __always_inline void on_message(u64 first, u64 second, u64 length, s64 result)
{
	struct socket *socket = (void *)first;
	struct msghdr *message = (void *)second;
	u64 sock, header;
	u32 family = family_of_socket(socket, &sock);

	if (family == FAMILY_NONE)
		return;
	header = scalar(message);
	if (!is_in_user_memory((void *)(header + bpf_core_field_offset(message->msg_iter))) &&
	    is_piece((u64)BPF_CORE_READ(socket, file), result))
		return;
	if (family == FAMILY_UNIX)
		unix_message_sent(sock, header, length, result);
	else
		loopback_message_sent(sock, header, length, result);
}

static __always_inline void on_socket_used(u64 socket, u64 address, u64 length, s64 result)
{
	u64 sock;
	u32 family = family_of_socket((struct socket *)socket, &sock);

	if (result >= 0 || result == -EINPROGRESS)
		on_use(family, sock);
}

static __always_inline void on_page(u64 socket, u64 page, u64 offset, s64 result)
{
	is_piece((u64)BPF_CORE_READ((struct socket *)socket, file), result);
}

/* The socket is there when accept(2) went well */
static __always_inline void on_accepted(u64 listener, u64 made, u64 flags, s64 result)
{
	u64 sock;
	u32 family = family_of_socket((struct socket *)listener, &sock);
	struct sock *sk = BPF_CORE_READ((struct socket *)made, sk);

	if (!sk || family == FAMILY_NONE)
		return;
	on_use(family, sock);
	on_use(family, (u64)sk);
}

/* A thread begins to receive, which copies.bpf.c asks about */
static __always_inline void begin_by_function(u32 thread, struct file *file, u64 sock, u32 family,
					      u64 flags, bool was_begun)
{
	struct owner *owner = bpf_map_lookup_elem(&owners, &sock);
	struct ongoing *ongoing = begin_receive(thread, BY_FUNCTION, CALL_RECVMSG, file, family);

	if (!ongoing)
		return;
	ongoing->argument[0] = was_begun;
	ongoing->argument[1] = owner ? owner->let_go : 0;
	ongoing->argument[2] = flags;
	ongoing->argument[4] = 0; /* no descriptors are being received */
}

static __always_inline void on_receive_begins(struct socket *socket, u64 flags)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct ongoing *ongoing = ongoing_of(thread);
	u64 sock;
	u32 family = family_of_socket(socket, &sock);

	/* a call at a file of a family that is traced by calls */
	if (ongoing && ongoing->number != BY_FUNCTION)
		return;
	if (family != FAMILY_NONE)
		begin_by_function(thread, BPF_CORE_READ(socket, file), sock, family, flags, false);
	else if (ongoing)
		end_call(ongoing);
}

static __always_inline void on_receive_ends(s64 result)
{
	struct ongoing *ongoing = current_ongoing();
	u64 sock = 0;
	u32 family;

	if (!ongoing || ongoing->number != BY_FUNCTION)
		return;
	family = family_by_functions((struct file *)ongoing->from, &sock);
	/* one that failed may have taken something, or left there what was copied */
	if (result < 0 && !ongoing->taken)
		family = FAMILY_NONE;
	if (family == FAMILY_UNIX)
		unix_message_received(sock, result);
	else if (family == FAMILY_LOOPBACK)
		loopback_message_received(sock, result);
	end_call(ongoing);
}

#endif
