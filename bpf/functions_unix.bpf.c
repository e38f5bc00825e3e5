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

static __always_inline void on_datagram_begins(struct socket *socket)
{
	u64 sock;

	if (family_of_socket(socket, &sock) == FAMILY_UNIX)
		unix_message_begins(sock);
}

static __always_inline void on_connected(u64 socket, u64 address, u64 length, s64 result)
{
	u64 sock;

	on_socket_used(socket, address, length, result);
	if (result >= 0 && family_of_socket((struct socket *)socket, &sock) == FAMILY_UNIX)
		unix_connected(sock);
}

static __always_inline void on_rights(struct msghdr *message, struct scm_cookie *passed)
{
	u64 room = BPF_CORE_READ(message, msg_controllen);
	u32 head = in_compat_call() ? 12 : 16;
	struct ongoing *ongoing = current_ongoing();

	if (ongoing && ongoing->number == BY_FUNCTION) {
		ongoing->argument[3] = (u64)BPF_CORE_READ(message, msg_control);
		ongoing->argument[4] = (u64)message;
	}
	if (room >= head && by_functions(FAMILY_UNIX))
		on_rights_received((u64)BPF_CORE_READ(passed, fp), (room - head) / sizeof(int));
}

static __always_inline void on_rights_end(s64 result)
{
	struct ongoing *ongoing = current_ongoing();
	struct msghdr *message;

	if (!ongoing || ongoing->number != BY_FUNCTION || !ongoing->argument[4])
		return;
	message = (void *)ongoing->argument[4];
	ongoing->argument[4] = 0;
	/* it has moved on behind what was written */
	if (by_functions(FAMILY_UNIX) &&
	    (u64)BPF_CORE_READ(message, msg_control) > ongoing->argument[3])
		unix_rights_received((u64)sock_of_file((struct file *)ongoing->from),
				     ongoing->argument[3], in_compat_call());
}

ON_RETURN_WITH(functions_unix_stream, unix_stream_sendmsg, 3, KEPT_BY_SEND, is_socket_traced,
	       on_message)
ON_ENTRY(functions_unix_begins, unix_dgram_sendmsg, (struct socket * socket),
	 on_datagram_begins(socket))
/* seqpacket as well, whose own function calls this one */
ON_RETURN_WITH(functions_unix_dgram, unix_dgram_sendmsg, 3, KEPT_BY_SEND, is_socket_traced,
	       on_message)
/* Pages of a splice or sendfile, up to 6.4: dc97391e6610 ("sock: Remove ->sendpage*() in favour of sendmsg(MSG_SPLICE_PAGES)") */
ON_RETURN_WITH(functions_unix_page, unix_stream_sendpage, 5, KEPT_BY_PAGE, is_socket_traced,
	       on_page)
ON_ENTRY(functions_stream_receive_begins, unix_stream_recvmsg,
	 (struct socket * socket, struct msghdr *message, u64 size, int flags),
	 on_receive_begins(socket, flags))
ON_RETURN(functions_stream_receive_ends, unix_stream_recvmsg, 4, on_receive_ends)
ON_ENTRY(functions_dgram_receive_begins, unix_dgram_recvmsg,
	 (struct socket * socket, struct msghdr *message, u64 size, int flags),
	 on_receive_begins(socket, flags))
ON_RETURN(functions_dgram_receive_ends, unix_dgram_recvmsg, 4, on_receive_ends)
/* It calls that of datagrams, or has it in itself */
ON_ENTRY(functions_seqpacket_receive_begins, unix_seqpacket_recvmsg,
	 (struct socket * socket, struct msghdr *message, u64 size, int flags),
	 on_receive_begins(socket, flags))
ON_RETURN(functions_seqpacket_receive_ends, unix_seqpacket_recvmsg, 4, on_receive_ends)
ON_RETURN_WITH(functions_unix_connect, unix_stream_connect, 4, KEPT_BY_CONNECT, is_socket_traced,
	       on_connected)
ON_RETURN_WITH(functions_unix_dgram_connect, unix_dgram_connect, 4, KEPT_BY_CONNECT,
	       is_socket_traced, on_socket_used)
ON_RETURN_WITH(functions_unix_accept, unix_accept, 3, KEPT_BY_ACCEPT, is_socket_traced, on_accepted)
ON_ENTRY(functions_rights, scm_detach_fds, (struct msghdr * message, struct scm_cookie *passed),
	 on_rights(message, passed))
ON_RETURN(functions_rights_ends, scm_detach_fds, 2, on_rights_end)
