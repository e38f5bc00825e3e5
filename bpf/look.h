/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What processes can communicate by: a look at one open file, as it is now. */
#ifndef LOOK_H
#define LOOK_H
#include "descriptor.h"
#include "family.h"
#include "flow.h"
#include "tcp_number.h"
#include "tty.h"

#define FMODE_PATH 0x4000
#define FMODE_READ 1
#define O_NONBLOCK 04000
#define S_IFREG 0100000
#define S_IFDIR 0040000
#define MQUEUE_MAGIC 0x19800202
#define PIPE_LOOK 256
#define QUEUE_LOOK 128
#define TCP_LISTENS 10
#define SEND_SHUTDOWN 2

/* Adds up the n-th buffer of a pipe that is not empty */
static __always_inline bool add_pipe_buffer(u64 bufs, u32 n, u64 *bytes)
{
	u64 at = (u64)n * bpf_core_type_size(struct pipe_buffer);

	*bytes += BPF_CORE_READ((struct pipe_buffer *)(bufs + at), len);
	return true;
}

static __always_inline void look_at_pipe(struct descriptor_record *out,
					 struct pipe_inode_info *pipe)
{
	u32 head = BPF_CORE_READ(pipe, head), tail = BPF_CORE_READ(pipe, tail);
	u32 size = BPF_CORE_READ(pipe, ring_size);
	u64 bufs = (u64)BPF_CORE_READ(pipe, bufs);
	u64 bytes = 0;

	out->of = OF_PIPE;
	out->object = (u64)pipe;
	out->used = head - tail;
	out->room = BPF_CORE_READ(pipe, max_usage);
	repeat_while(i, PIPE_LOOK,
		     i < out->used && add_pipe_buffer(bufs, (tail + i) & (size - 1), &bytes));
	out->queued = bytes;
}

/* Goes on to the next buffer of a queue, and adds it up; false: there is none */
static __always_inline bool add_queued(struct sk_buff **skb, u64 first, u64 *bytes)
{
	struct unix_skb_parms *parms;

	*skb = BPF_CORE_READ(*skb, next);
	if (!*skb || (u64)*skb == first)
		return false;
	parms = (void *)*skb + bpf_core_field_offset(struct sk_buff, cb);
	*bytes += BPF_CORE_READ(*skb, len) - BPF_CORE_READ(parms, consumed);
	return true;
}

/* What is in a queue of a unix socket: bytes of a stream, else messages */
static __always_inline u64 queued_at(struct sock *sk, u32 type)
{
	u64 first = (u64)sk + bpf_core_field_offset(struct sock, sk_receive_queue), bytes = 0;
	struct sk_buff *skb = (void *)first;

	if (type != SOCK_STREAM)
		return BPF_CORE_READ(sk, sk_receive_queue.qlen);
	repeat_while(i, QUEUE_LOOK, add_queued(&skb, first, &bytes));
	return bytes;
}

static __always_inline void copy_path(struct descriptor_record *out, struct sock *sk)
{
	struct unix_address *address = BPF_CORE_READ((struct unix_sock *)sk, addr);
	u32 length = address ? BPF_CORE_READ(address, len) - (u32)sizeof(u16) : 0;

	if ((s32)length <= 0)
		return;
	if (length > SOCKET_PATH)
		length = SOCKET_PATH;
	out->path_length = length;
	barrier_var(length);
	if (length > SOCKET_PATH)
		length = SOCKET_PATH;
	bpf_probe_read_kernel(out->path, length,
			      (void *)address + bpf_core_field_offset(struct unix_address, name) +
				      sizeof(u16));
}

static __always_inline void look_at_unix(struct descriptor_record *out, struct sock *sk)
{
	struct sock *peer = unix_peer(sk);

	out->of = OF_UNIX;
	out->peer = (u64)peer;
	if (out->state == TCP_LISTENS)
		out->used = BPF_CORE_READ(sk, sk_receive_queue.qlen);
	else
		out->queued = queued_at(sk, out->type);
	if (peer && out->type == SOCK_STREAM)
		out->unsent = queued_at(peer, out->type);
	copy_path(out, sk);
	if (!out->path_length && peer) {
		copy_path(out, peer);
		if (out->path_length)
			out->mode |= MODE_PEER_PATH;
	}
}

static __always_inline void look_at_inet(struct descriptor_record *out, struct sock *sk)
{
	struct tcp_sock *tcp = (void *)sk;
	struct flow flow = {};

	out->of = OF_INET;
	flow_of(sk, &flow);
	__builtin_memcpy(out->local, flow.local, 16);
	__builtin_memcpy(out->remote, flow.remote, 16);
	out->local_port = flow.local_port;
	out->remote_port = flow.remote_port;
	if (out->state == TCP_LISTENS) {
		out->used = BPF_CORE_READ(sk, sk_ack_backlog);
	} else if (out->protocol == IPPROTO_TCP) {
		/* the end of a direction has a number as well */
		u8 ended = BPF_CORE_READ(sk, sk_shutdown);

		out->taken_until = BPF_CORE_READ(tcp, copied_seq);
		out->sent_until = BPF_CORE_READ(tcp, write_seq) - !!(ended & SEND_SHUTDOWN);
		/* who has been told of the end has taken its number, too */
		out->queued = come_over_tcp(tcp) - out->taken_until;
		if ((s32)out->queued < 0)
			out->queued = 0;
		out->unsent = out->sent_until - BPF_CORE_READ(tcp, snd_una);
		if ((s32)out->unsent < 0)
			out->unsent = 0;
		out->acked = BPF_CORE_READ(tcp, bytes_acked);
	} else {
		out->queued = BPF_CORE_READ(sk, sk_receive_queue.qlen);
	}
}

static __always_inline bool look_at_socket(struct descriptor_record *out, struct file *file)
{
	struct sock *sk = sock_of_file(file);

	if (!sk)
		return false;
	out->object = (u64)sk;
	out->net = sock_net(sk);
	out->type = BPF_CORE_READ(sk, sk_type);
	out->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	out->protocol = BPF_CORE_READ(sk, sk_protocol);
	if (out->state == TCP_LISTENS)
		out->room = BPF_CORE_READ(sk, sk_max_ack_backlog);
	if (is_unix(sk))
		look_at_unix(out, sk);
	else if (is_loopback(sk))
		look_at_inet(out, sk);
	else
		out->of = OF_OTHER;
	return true;
}

static __always_inline bool look_at_device(struct descriptor_record *out, struct inode *inode,
					   struct file *file)
{
	u32 major = BPF_CORE_READ(inode, i_rdev) >> 20;
	struct tty_struct *tty;

	if (major != TTY_MAJOR && major - PTY_SLAVE_MAJOR >= PTY_SLAVE_MAJORS)
		return false;
	tty = tty_of(file);
	if (!tty)
		return false;
	out->of = is_master(tty) ? OF_PTY_MASTER : OF_PTY_SLAVE;
	out->object = (u64)tty;
	out->peer = (u64)BPF_CORE_READ(tty, link);
	out->index = BPF_CORE_READ(tty, index);
	if (is_stopped(tty))
		out->mode |= MODE_STOPPED;
	return true;
}

static __always_inline bool look_at_queue(struct descriptor_record *out, struct inode *inode)
{
	struct mqueue_inode_info *info =
		(void *)inode - bpf_core_field_offset(struct mqueue_inode_info, vfs_inode);

	if (BPF_CORE_READ(inode, i_sb, s_magic) != MQUEUE_MAGIC)
		return false;
	out->of = OF_MQ;
	out->used = BPF_CORE_READ(info, attr.mq_curmsgs);
	out->queued = out->used;
	out->room = BPF_CORE_READ(info, attr.mq_maxmsg);
	return true;
}

/* false: nothing to communicate by */
static __always_inline bool look_at(struct descriptor_record *out, struct task_struct *task,
				    u32 fd, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	u32 format = BPF_CORE_READ(inode, i_mode) & S_IFMT;
	u32 mode = BPF_CORE_READ(file, f_mode), flags = BPF_CORE_READ(file, f_flags);

	__builtin_memset(out, 0, sizeof(*out));
	out->file = (u64)file;
	out->fd = fd;
	out->tgid = thread_here((u64)BPF_CORE_READ(task, group_leader), BPF_CORE_READ(task, tgid));
	out->mode = (mode & FMODE_READ ? MODE_READ : 0) | (mode & FMODE_WRITE ? MODE_WRITE : 0) |
		    (flags & O_NONBLOCK ? MODE_NONBLOCK : 0);
	if (mode & FMODE_PATH)
		return false;

	out->object = (u64)inode;
	out->inode = BPF_CORE_READ(inode, i_ino);
	out->device = BPF_CORE_READ(inode, i_sb, s_dev);
	switch (format) {
	case S_IFIFO:
		look_at_pipe(out, BPF_CORE_READ(file, private_data));
		return true;
	case S_IFSOCK:
		return look_at_socket(out, file);
	case S_IFCHR:
		return look_at_device(out, inode, file);
	case S_IFREG:
		return look_at_queue(out, inode);
	case S_IFDIR:
		return false;
	}
	/* an epoll or eventfd, which has no format */
	out->of = OF_OTHER;
	return !format;
}

#endif
