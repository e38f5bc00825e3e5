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
static __always_inline bool may_uncork(u64 fd, u64 level, u64 option)
{
	return by_functions(FAMILY_LOOPBACK) && (int)level == IPPROTO_UDP &&
	       (int)option == UDP_CORK;
}

static __always_inline void on_setsockopt(int fd, int level, int option)
{
	u64 sock = 0;

	if (may_uncork(fd, level, option) &&
	    family_by_functions(file_of(fd), &sock) == FAMILY_LOOPBACK &&
	    is_inet((void *)sock, IPPROTO_UDP))
		loopback_message_begins(sock);
}

static __always_inline void on_option_set(u64 fd, u64 level, u64 option, s64 result)
{
	if (may_uncork(fd, level, option))
		loopback_uncorked(result);
}

static __always_inline void on_listen(struct socket *socket)
{
	u64 sock;

	if (family_of_socket(socket, &sock) == FAMILY_LOOPBACK)
		loopback_listens(sock);
}

ON_RETURN_WITH(functions_inet, inet_sendmsg, 3, KEPT_BY_SEND, is_socket_traced, on_message)
ON_RETURN_WITH(functions_inet6, inet6_sendmsg, 3, KEPT_BY_SEND, is_socket_traced, on_message)
ON_ENTRY(functions_udp, udp_sendmsg, (struct sock * sk), on_udp_begins(sk))
ON_ENTRY(functions_udp6, udpv6_sendmsg, (struct sock * sk), on_udp_begins(sk))
ON_RETURN_WITH(functions_inet_page, inet_sendpage, 5, KEPT_BY_PAGE, is_socket_traced, on_page)
ON_ENTRY(functions_inet_receive_begins, inet_recvmsg,
	 (struct socket * socket, struct msghdr *message, u64 size, int flags),
	 on_receive_begins(socket, flags))
ON_RETURN(functions_inet_receive_ends, inet_recvmsg, 4, on_receive_ends)
ON_ENTRY(functions_inet6_receive_begins, inet6_recvmsg,
	 (struct socket * socket, struct msghdr *message, u64 size, int flags),
	 on_receive_begins(socket, flags))
ON_RETURN(functions_inet6_receive_ends, inet6_recvmsg, 4, on_receive_ends)
ON_RETURN_WITH(functions_inet_connect, inet_stream_connect, 4, KEPT_BY_CONNECT, is_socket_traced,
	       on_socket_used)
ON_RETURN_WITH(functions_inet_dgram_connect, inet_dgram_connect, 4, KEPT_BY_CONNECT,
	       is_socket_traced, on_socket_used)
ON_RETURN_WITH(functions_inet_accept, inet_accept, 3, KEPT_BY_ACCEPT, is_socket_traced, on_accepted)
/* inet_accept is not called for it everywhere */
ON_RETURN_WITH(functions_mptcp_accept, mptcp_stream_accept, 3, KEPT_BY_MPTCP_ACCEPT,
	       is_socket_traced, on_accepted)
ON_ENTRY(functions_setsockopt_begins, __sys_setsockopt, (int fd, int level, int option),
	 on_setsockopt(fd, level, option))
ON_RETURN_WITH(functions_setsockopt_ends, __sys_setsockopt, 5, KEPT_BY_OPTION, may_uncork,
	       on_option_set)
/* Before it does */
ON_ENTRY(functions_listen, security_socket_listen, (struct socket * socket), on_listen(socket))
