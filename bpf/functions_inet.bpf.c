/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* TCP and UDP where functions can be hooked at their return. */
#include "function_socket.h"

static __always_inline void on_udp_begins(struct sock *sk)
{
	struct socket *socket = BPF_CORE_READ(sk, sk_socket);

	if (by_functions(FAMILY_LOOPBACK) && socket && BPF_CORE_READ(socket, file))
		loopback_message_begins(scalar(sk));
}

/* Whether a setsockopt may send what a UDP socket holds back */
static __always_inline bool may_uncork(int level, int option)
{
	return by_functions(FAMILY_LOOPBACK) && level == IPPROTO_UDP && option == UDP_CORK;
}

static __always_inline void on_setsockopt(int fd)
{
	struct file *file = file_of(fd);
	u64 sock = 0;

	if (family_by_functions(file, &sock) == FAMILY_LOOPBACK &&
	    is_inet((void *)sock, IPPROTO_UDP))
		loopback_message_begins(sock);
}

static __always_inline void on_listen(struct socket *socket)
{
	u64 sock;

	if (family_of_socket(socket, &sock) == FAMILY_LOOPBACK)
		loopback_listens(sock);
}

SEC("?fexit/inet_sendmsg")
int BPF_PROG(functions_inet__fentry, struct socket *socket, struct msghdr *message, u64 length,
	     int result)
{
	on_message(socket, message, length, result);
	return 0;
}

SEC("?fexit/inet6_sendmsg")
int BPF_PROG(functions_inet6__fentry, struct socket *socket, struct msghdr *message, u64 length,
	     int result)
{
	on_message(socket, message, length, result);
	return 0;
}

SEC("?fentry/udp_sendmsg")
int BPF_PROG(functions_udp__fentry, struct sock *sk)
{
	on_udp_begins(sk);
	return 0;
}

SEC("?fentry/udpv6_sendmsg")
int BPF_PROG(functions_udp6__fentry, struct sock *sk)
{
	on_udp_begins(sk);
	return 0;
}

SEC("?fexit/inet_sendpage")
int BPF_PROG(functions_inet_page__fentry, struct socket *socket, void *page, int offset, u64 size,
	     int flags, s64 result)
{
	on_page(socket, result);
	return 0;
}

SEC("?fentry/inet_recvmsg")
int BPF_PROG(functions_inet_receive_begins__fentry, struct socket *socket, struct msghdr *message,
	     u64 size, int flags)
{
	on_receive_begins(socket, flags);
	return 0;
}

SEC("?fexit/inet_recvmsg")
int BPF_PROG(functions_inet_receive_ends__fentry, struct socket *socket, struct msghdr *message,
	     u64 size, int flags, int result)
{
	on_receive_ends(socket, result);
	return 0;
}

SEC("?fentry/inet6_recvmsg")
int BPF_PROG(functions_inet6_receive_begins__fentry, struct socket *socket, struct msghdr *message,
	     u64 size, int flags)
{
	on_receive_begins(socket, flags);
	return 0;
}

SEC("?fexit/inet6_recvmsg")
int BPF_PROG(functions_inet6_receive_ends__fentry, struct socket *socket, struct msghdr *message,
	     u64 size, int flags, int result)
{
	on_receive_ends(socket, result);
	return 0;
}

SEC("?fexit/inet_stream_connect")
int BPF_PROG(functions_inet_connect__fentry, struct socket *socket, void *address, int length,
	     int flags, int result)
{
	on_socket_used(socket, result);
	return 0;
}

SEC("?fexit/inet_dgram_connect")
int BPF_PROG(functions_inet_dgram_connect__fentry, struct socket *socket, void *address, int length,
	     int flags, int result)
{
	on_socket_used(socket, result);
	return 0;
}

SEC("?fexit/inet_accept")
int BPF_PROG(functions_inet_accept__fentry, struct socket *listener, struct socket *made)
{
	on_accepted(listener, made);
	return 0;
}

/* inet_accept is not called for it everywhere */
SEC("?fexit/mptcp_stream_accept")
int BPF_PROG(functions_mptcp_accept__fentry, struct socket *listener, struct socket *made)
{
	on_accepted(listener, made);
	return 0;
}

SEC("?fentry/__sys_setsockopt")
int BPF_PROG(functions_setsockopt_begins__fentry, int fd, int level, int option)
{
	if (may_uncork(level, option))
		on_setsockopt(fd);
	return 0;
}

SEC("?fexit/__sys_setsockopt")
int BPF_PROG(functions_setsockopt_ends__fentry, int fd, int level, int option, void *value,
	     int length, int result)
{
	if (may_uncork(level, option))
		loopback_uncorked(result);
	return 0;
}

/* Before it does */
SEC("?fentry/security_socket_listen")
int BPF_PROG(functions_listen__fentry, struct socket *socket)
{
	on_listen(socket);
	return 0;
}
