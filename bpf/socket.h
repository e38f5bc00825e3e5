/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Sockets: what one is, and what a call sends by it. */
#ifndef SOCKET_H
#define SOCKET_H
#include "call_iov.h"
#include "file.h"
#include "payload.h"
#include "process.h"
#include "syscall.h"

#define RCV_SHUTDOWN 1

#define S_IFSOCK 0140000
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_SEQPACKET 5
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_MPTCP 262
#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define SCM_MAX_FD 253
#define EINPROGRESS 115

/* The socket that a file is which is one */
static __always_inline struct sock *sock_of_file(struct file *file)
{
	struct socket *socket = BPF_CORE_READ(file, private_data);

	return BPF_CORE_READ(socket, sk);
}

static __always_inline struct sock *sock_of(struct file *file)
{
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	return sock_of_file(file);
}

static __always_inline bool is_unix(struct sock *sk)
{
	return sk && BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX;
}

static __always_inline bool is_inet(struct sock *sk, u16 protocol)
{
	u16 family;

	if (!sk || BPF_CORE_READ(sk, sk_protocol) != protocol)
		return false;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	return family == AF_INET || family == AF_INET6;
}

/* MPTCP: its subflows are sockets of the kernel's own */
static __always_inline bool is_tcp(struct sock *sk)
{
	return is_inet(sk, IPPROTO_TCP) || is_inet(sk, IPPROTO_MPTCP);
}

static __always_inline bool is_loopback(struct sock *sk)
{
	return is_tcp(sk) || is_inet(sk, IPPROTO_UDP);
}

/* The inode number of a socket; 0 when nobody has it open: not accepted yet, or closed */
static __always_inline u64 sock_inode(struct sock *sk)
{
	struct socket *socket = BPF_CORE_READ(sk, sk_socket);
	struct inode *inode;

	if (!socket)
		return 0;
	inode = (void *)socket - bpf_core_field_offset(struct socket_alloc, socket) +
		bpf_core_field_offset(struct socket_alloc, vfs_inode);
	return BPF_CORE_READ(inode, i_ino);
}

static __always_inline u32 sock_net(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline struct sock *unix_peer(struct sock *sk)
{
	return BPF_CORE_READ((struct unix_sock *)sk, peer);
}

/* How many bytes of a transfer are to be captured */
static __always_inline u64 wanted_of(u64 count)
{
	if (!config.contents)
		return 0;
	return config.max_bytes && count > config.max_bytes ? config.max_bytes : count;
}

static __always_inline bool traces(enum kind kind)
{
	return config.kinds & (1 << kind);
}

#endif
