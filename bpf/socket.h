/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Sockets, and who holds one: the process that was seen using it last and has not closed it since.
 * Use is send, receive, accept, connect and receipt by SCM_RIGHTS, each seen at the return of its
 * system call. Whoever made a socket holds it only as long as it has one descriptor, which is his.
 */
#ifndef SOCKET_H
#define SOCKET_H
#include "call_iov.h"
#include "file.h"
#include "payload.h"
#include "process.h"
#include "syscall.h"

#define S_IFSOCK 0140000
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_MPTCP 262
#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define SCM_MAX_FD 253
#define EINPROGRESS 115
#define OWNERS 65536

struct owner {
	struct process who;
	u64 inode;  /* of the socket: another one at the same address is another socket */
	u64 peer;   /* inode of what it was connected to when it was used last */
	u64 made;   /* by `who`, and not used since */
	u64 leader; /* of `who`: when he has ended it is somebody else's by now */
	u64 born;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, OWNERS);
	__type(key, u64);
	__type(value, struct owner);
} owners __weak SEC(".maps");

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

/* The current process uses a socket; true when it was another's, or nobody's, before */
static __always_inline bool sock_used(struct sock *sk, u64 inode, u64 peer, struct identity *id,
				      bool received)
{
	u64 key = (u64)sk;
	struct owner owner = {.who = id->who,
			      .inode = inode,
			      .peer = peer,
			      .leader = id->leader,
			      .born = id->born};
	struct owner *known = bpf_map_lookup_elem(&owners, &key);
	struct use_record *record;

	if (known && known->inode == inode && !known->made && same(&known->who, &id->who)) {
		known->peer = peer;
		return false;
	}
	bpf_map_update_elem(&owners, &key, &owner, BPF_ANY);
	announce(id);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record)
		return true;
	record->type = RECORD_USE;
	record->received = received;
	record->time = bpf_ktime_get_boot_ns();
	record->inode = inode;
	record->who = id->who;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return true;
}

static __always_inline bool is_sock_held_once(struct sock *sk)
{
	struct socket *socket = BPF_CORE_READ(sk, sk_socket);
	struct file *file = BPF_CORE_READ(socket, file);

	return file && is_held_once(file);
}

/* The current process made a socket */
static __always_inline void sock_created(struct sock *sk)
{
	u64 key = (u64)sk;
	struct owner owner = {.inode = sock_inode(sk), .made = 1};
	struct identity self = {};

	identify((void *)bpf_get_current_task(), &self);
	introduce(&self);
	owner.who = self.who;
	owner.leader = self.leader;
	owner.born = self.born;
	bpf_map_update_elem(&owners, &key, &owner, BPF_ANY);
}

/* The current process closes a socket: it holds it no longer, if it did */
static __always_inline void sock_released(struct sock *sk)
{
	u64 key = (u64)sk;
	struct owner *owner = bpf_map_lookup_elem(&owners, &key);

	if (owner && owner->who.tgid == bpf_get_current_pid_tgid() >> 32)
		bpf_map_delete_elem(&owners, &key);
}

/* Who holds a socket, as far as was seen; `other` is the inode of the socket that asks */
static __always_inline struct process owner_of(struct sock *sk, u64 inode, u64 other)
{
	u64 key = (u64)sk;
	struct owner *owner = bpf_map_lookup_elem(&owners, &key);
	struct process who = {};

	if (!owner || !(inode ? owner->inode == inode : other && owner->peer == other))
		return who;
	who = owner->who;
	if (has_ended(who.tgid, owner->leader, owner->born) ||
	    (owner->made && !is_sock_held_once(sk))) {
		who.tgid = 0;
		who.tag = 0;
	}
	return who;
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
