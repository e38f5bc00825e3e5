/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Unix sockets where functions can be hooked at their return. */
#include "function_socket.h"
#include "repeat.h"

static __always_inline bool on_right(struct scm_fp_list *list, u32 n, u32 count)
{
	u64 file = 0;

	if (n >= count)
		return false;
	bpf_probe_read_kernel(
		&file, sizeof(file),
		(void *)((u64)list + bpf_core_field_offset(list->fp) + n * sizeof(file)));
	on_sock_used((u64)sock_of((struct file *)file), bpf_get_current_task(), HELD, true);
	return true;
}

/* Descriptors are received, as many as the receiver's buffer has room for */
__noinline int on_rights_received(u64 passed, u32 room)
{
	struct scm_fp_list *list = (void *)passed;
	u32 count = list ? BPF_CORE_READ(list, count) : 0;

	if (!has_traced(FAMILY_UNIX))
		return 0;
	if (count > room)
		count = room;
	repeat_while(i, SCM_MAX_FD, on_right(list, i, count));
	return 0;
}

SEC("?fexit/unix_stream_sendmsg")
int BPF_PROG(functions_unix_stream__fentry, struct socket *socket, struct msghdr *message,
	     u64 length, int result)
{
	on_message(socket, message, length, result);
	return 0;
}

SEC("?fentry/unix_dgram_sendmsg")
int BPF_PROG(functions_unix_begins__fentry, struct socket *socket)
{
	u64 sock;

	if (family_of_socket(socket, &sock) == FAMILY_UNIX)
		unix_message_begins(sock);
	return 0;
}

/* seqpacket as well, whose own function calls this one */
SEC("?fexit/unix_dgram_sendmsg")
int BPF_PROG(functions_unix_dgram__fentry, struct socket *socket, struct msghdr *message,
	     u64 length, int result)
{
	on_message(socket, message, length, result);
	return 0;
}

/* Pages of a splice or sendfile, up to 6.4: dc97391e6610 ("sock: Remove ->sendpage*() in favour of sendmsg(MSG_SPLICE_PAGES)") */
SEC("?fexit/unix_stream_sendpage")
int BPF_PROG(functions_unix_page__fentry, struct socket *socket, void *page, int offset, u64 size,
	     int flags, s64 result)
{
	on_page(socket, result);
	return 0;
}

SEC("?fentry/unix_stream_recvmsg")
int BPF_PROG(functions_stream_receive_begins__fentry, struct socket *socket, struct msghdr *message,
	     u64 size, int flags)
{
	on_receive_begins(socket, flags);
	return 0;
}

SEC("?fexit/unix_stream_recvmsg")
int BPF_PROG(functions_stream_receive_ends__fentry, struct socket *socket, struct msghdr *message,
	     u64 size, int flags, int result)
{
	on_receive_ends(socket, result);
	return 0;
}

SEC("?fentry/unix_dgram_recvmsg")
int BPF_PROG(functions_dgram_receive_begins__fentry, struct socket *socket, struct msghdr *message,
	     u64 size, int flags)
{
	on_receive_begins(socket, flags);
	return 0;
}

SEC("?fexit/unix_dgram_recvmsg")
int BPF_PROG(functions_dgram_receive_ends__fentry, struct socket *socket, struct msghdr *message,
	     u64 size, int flags, int result)
{
	on_receive_ends(socket, result);
	return 0;
}

/* It calls that of datagrams, or has it in itself */
SEC("?fentry/unix_seqpacket_recvmsg")
int BPF_PROG(functions_seqpacket_receive_begins__fentry, struct socket *socket,
	     struct msghdr *message, u64 size, int flags)
{
	on_receive_begins(socket, flags);
	return 0;
}

SEC("?fexit/unix_seqpacket_recvmsg")
int BPF_PROG(functions_seqpacket_receive_ends__fentry, struct socket *socket,
	     struct msghdr *message, u64 size, int flags, int result)
{
	on_receive_ends(socket, result);
	return 0;
}

static __always_inline void on_connected(struct socket *socket)
{
	u64 sock;

	if (family_of_socket(socket, &sock) == FAMILY_UNIX)
		unix_connected(sock);
}

SEC("?fexit/unix_stream_connect")
int BPF_PROG(functions_unix_connect__fentry, struct socket *socket, void *address, int length,
	     int flags, int result)
{
	on_socket_used(socket, result);
	if (result >= 0)
		on_connected(socket);
	return 0;
}

SEC("?fexit/unix_dgram_connect")
int BPF_PROG(functions_unix_dgram_connect__fentry, struct socket *socket, void *address, int length,
	     int flags, int result)
{
	on_socket_used(socket, result);
	return 0;
}

SEC("?fexit/unix_accept")
int BPF_PROG(functions_unix_accept__fentry, struct socket *listener, struct socket *made)
{
	on_accepted(listener, made);
	return 0;
}

SEC("?fentry/scm_detach_fds")
int BPF_PROG(functions_rights__fentry, struct msghdr *message, struct scm_cookie *passed)
{
	u64 room = BPF_CORE_READ(message, msg_controllen);
	u32 head = in_compat_call() ? 12 : 16;
	struct ongoing *ongoing = current_ongoing();

	if (ongoing && ongoing->number == BY_FUNCTION)
		ongoing->argument[3] = (u64)BPF_CORE_READ(message, msg_control);
	if (room >= head && by_functions(FAMILY_UNIX))
		on_rights_received((u64)BPF_CORE_READ(passed, fp), (room - head) / sizeof(int));
	return 0;
}

SEC("?fexit/scm_detach_fds")
int BPF_PROG(functions_rights_ends__fentry, struct msghdr *message, struct scm_cookie *passed)
{
	struct ongoing *ongoing = current_ongoing();

	/* it has moved on behind what was written */
	if (ongoing && ongoing->number == BY_FUNCTION && by_functions(FAMILY_UNIX) &&
	    (u64)BPF_CORE_READ(message, msg_control) > ongoing->argument[3])
		unix_rights_received((u64)sock_of_file((struct file *)ongoing->from),
				     ongoing->argument[3], in_compat_call());
	return 0;
}
