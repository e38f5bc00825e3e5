/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The kernel types we read, and of those only the fields we read; CO-RE finds their real offsets.
 * A field that was renamed lives in a flavour (struct x___old) and is asked for in compat.h.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__ /* bpf_tracing.h looks for this name */

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

/* include/uapi/linux/bpf.h */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };
enum { BPF_RB_AVAIL_DATA = 0, BPF_RB_RING_SIZE = 1 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#ifdef __TARGET_ARCH_arm64
struct user_pt_regs {
	u64 regs[31];
	u64 sp, pc, pstate;
};
struct pt_regs {
	u64 regs[31];
	u64 sp, pc, pstate;
	u64 orig_x0;
	s32 syscallno;
};
struct thread_info {
	unsigned long flags;
};
#else /* x86-64 */
struct pt_regs {
	unsigned long bx, cx, di, si, dx, r10, ax, orig_ax, sp, ip, r8, r9, bp;
};
struct thread_info {
	u32 status;
};
#endif

struct iovec {
	void *iov_base;
	unsigned long iov_len;
};

enum iter_type { ITER_UBUF, ITER_IOVEC };
struct iov_iter {
	u8 iter_type;
	unsigned long iov_offset;
	unsigned long count;
	const struct iovec *__iov;
	void *ubuf;
	unsigned long nr_segs;
};
struct iov_iter___old {
	unsigned int type;
	const struct iovec *iov;
};

struct qstr {
	u32 len;
	const unsigned char *name;
};
struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};
struct vfsmount {
	struct dentry *mnt_root;
};
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct fs_struct {
	struct path root;
	struct path pwd;
};

struct super_block {
	u32 s_dev;
	unsigned long s_magic;
};
struct inode {
	u16 i_mode;
	u32 i_rdev;
	u32 i_generation;
	struct super_block *i_sb;
	unsigned long i_ino;
};
/* f_count became f_ref */
struct file___count {
	struct {
		s64 counter;
	} f_count;
};
struct file {
	struct {
		struct {
			s64 counter;
		} refcnt;
	} f_ref;
	struct inode *f_inode;
	struct path f_path;
	unsigned int f_flags;
	u32 f_mode;
	void *private_data;
};
struct kiocb {
	struct file *ki_filp;
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
typedef struct {
	int counter;
} atomic_t;
struct files_struct {
	atomic_t count;
	struct fdtable *fdt;
};

struct mutex {
	struct {
		long counter;
	} owner;
};
struct pipe_buffer {
	unsigned int offset, len, flags;
};
struct pipe_inode_info {
	struct mutex mutex;
	unsigned int head;
	unsigned int tail;
	unsigned int ring_size;
	unsigned int max_usage;
	struct pipe_buffer *bufs;
};

struct ns_common {
	u32 inum;
};
struct list_head {
	struct list_head *next, *prev;
};
struct hlist_node {
	struct hlist_node *next;
	struct hlist_node **pprev;
};
struct hlist_head {
	struct hlist_node *first;
};
struct udp_hslot {
	struct hlist_head head;
};
struct udp_table {
	struct udp_hslot *hash;
	unsigned int mask;
};
struct net {
	struct ns_common ns;
	struct list_head dev_base_head;
	u32 hash_mix;
};
struct net___udp {
	struct {
		struct udp_table *udp_table;
	} ipv4;
};
struct in6_addr {
	union {
		u8 u6_addr8[16];
		u32 u6_addr32[4];
	} in6_u;
};
struct proto {
	union {
		struct udp_table *udp_table;
	} h;
};
struct sock_common {
	u16 skc_family;
	volatile u8 skc_state;
	u8 skc_reuse : 4;
	u8 skc_reuseport : 1;
	u8 skc_ipv6only : 1;
	int skc_bound_dev_if;
	struct proto *skc_prot;
	unsigned int skc_hash;
	struct hlist_node skc_bind_node;
	struct hlist_node skc_node;
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	struct {
		struct net *net;
	} skc_net;
};
struct in_ifaddr {
	struct in_ifaddr *ifa_next;
	u32 ifa_local;
	u32 ifa_address;
	u32 ifa_mask;
	u32 ifa_broadcast;
};
struct in_device {
	struct in_ifaddr *ifa_list;
};
struct inet6_ifaddr {
	struct in6_addr addr;
	struct list_head if_list;
};
struct inet6_dev {
	struct list_head addr_list;
};
struct net_device {
	unsigned int flags;
	struct list_head dev_list;
	struct in_device *ip_ptr;
	struct inet6_dev *ip6_ptr;
};
struct dst_entry {
	struct net_device *dev;
};
struct socket;
struct sk_buff {
	struct sk_buff *next;
	struct sk_buff *prev;
	struct sock *sk;
	unsigned int len;
	int skb_iif;
	u16 protocol;
	u16 transport_header;
	u16 network_header;
	unsigned char *head;
	char cb[48];
};
struct sk_buff_head {
	struct sk_buff *next;
	struct sk_buff *prev;
	u32 qlen;
};
struct unix_skb_parms {
	u32 consumed;
};
struct udphdr {
	u16 source;
	u16 dest;
	u16 len;
};
struct sock {
	struct sock_common __sk_common;
	struct sk_buff_head sk_receive_queue;
	struct sk_filter *sk_filter;
	struct socket *sk_socket;
	struct dst_entry *sk_dst_cache;
	u16 sk_type;
	u16 sk_protocol;
	u8 sk_shutdown;
	u32 sk_ack_backlog;
	u32 sk_max_ack_backlog;
};
struct tcp_sock {
	u32 rcv_nxt;
	u32 copied_seq;
	u32 write_seq;
	u32 snd_una;
	u64 bytes_acked;
	u64 bytes_received;
};
struct socket {
	short type;
	struct file *file;
	struct sock *sk;
};
struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};
struct sockaddr_un {
	u16 sun_family;
	char sun_path[108];
};
struct mptcp_sock {
	struct sock *first;
};
struct unix_address {
	struct {
		struct {
			int counter;
		} refs;
	} refcnt;
	int len;
	struct sockaddr_un name[0];
};
/* How often descriptors of a unix socket are on their way by SCM_RIGHTS, of old a number */
struct unix_vertex {
	unsigned long out_degree;
};
struct unix_sock___inflight {
	unsigned long inflight;
};
/* 6.0: the table of a network namespace, whose upper half is for abstract addresses; those with a file are in another */
struct unix_table {
	struct hlist_head *buckets;
};
struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct path path;
	struct sock *peer;
	struct mutex iolock;
	struct unix_vertex *vertex;
};
struct in_addr {
	u32 s_addr;
};
struct ip_mreqn {
	struct in_addr imr_multiaddr;
};
struct ip_mc_socklist {
	struct ip_mc_socklist *next_rcu;
	struct ip_mreqn multi;
	unsigned int sfmode;
	void *sflist;
};
struct ipv6_mc_socklist {
	struct in6_addr addr;
	unsigned int sfmode;
	struct ipv6_mc_socklist *next;
	void *sflist;
};
struct ipv6_pinfo {
	u16 mc_all : 1;
	struct ipv6_mc_socklist *ipv6_mc_list;
};
struct inet_sock {
	struct ipv6_pinfo *pinet6;
	__be16 inet_sport;
	u8 mc_all : 1;
	struct ip_mc_socklist *mc_list;
};
struct udp_sock {
	int pending;
	u16 gso_size;
};

struct pid_namespace {
	struct ns_common ns;
};
struct upid {
	int nr;
	struct pid_namespace *ns;
};
enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID };
struct pid {
	unsigned int level;
	struct hlist_head tasks[4];
	struct upid numbers[1];
};
struct tty_driver {
	short type;
	short subtype;
};
enum tty_driver_type { TTY_DRIVER_TYPE_PTY = 4 };
enum tty_driver_subtype { PTY_TYPE_MASTER = 1, PTY_TYPE_SLAVE = 2 };
struct tty_driver___enum {
	enum tty_driver_type type;
	enum tty_driver_subtype subtype;
};
struct tty_struct___flow {
	struct {
		bool stopped;
	} flow;
};
struct tty_struct___ctrl {
	struct {
		struct pid *pgrp;
		struct pid *session;
	} ctrl;
};
struct tty_buffer {
	struct tty_buffer *next;
	int used;
	int read;
};
struct tty_bufhead {
	struct tty_buffer *head;
	struct mutex lock;
};
struct tty_port {
	struct tty_bufhead buf;
};
struct tty_ldisc_ops {
	int num;
};
struct tty_ldisc {
	struct tty_ldisc_ops *ops;
};
struct n_tty_data {
	unsigned long read_head;
	unsigned long canon_head;
	unsigned long read_tail;
};
struct ktermios {
	unsigned int c_iflag;
	unsigned int c_oflag;
	unsigned int c_lflag;
};
struct tty_struct {
	int index;
	int count;
	struct tty_driver *driver;
	struct tty_struct *link;
	struct tty_ldisc *ldisc;
	struct ktermios termios;
	struct tty_port *port;
	void *disc_data;
	struct pid *pgrp;
	struct pid *session;
	void *driver_data;
};
struct tty_file_private {
	struct tty_struct *tty;
};

struct kernfs_node {
	struct kernfs_node *__parent;
	const char *name;
	u64 id;
};
/* up to 6.14 */
struct kernfs_node___old {
	struct kernfs_node *parent;
};
struct cgroup {
	struct kernfs_node *kn;
};
struct cgroup_subsys_state {
	struct cgroup *cgroup;
};
struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
};
enum cgroup_subsys_id { cpu_cgrp_id, memory_cgrp_id, devices_cgrp_id, pids_cgrp_id };

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
	struct file *exe_file;
};
typedef struct {
	u32 val;
} kuid_t;
struct cred {
	kuid_t euid;
};

struct rlimit {
	unsigned long rlim_cur;
	unsigned long rlim_max;
};
struct signal_struct {
	atomic_t live;
	int nr_threads;
	unsigned int flags;
	struct pid *pids[4];
	struct rlimit rlim[16];
};
struct task_struct___state {
	volatile long state;
};
struct task_struct {
	unsigned int __state;
	struct thread_info thread_info;
	void *stack;
	unsigned int flags;
	int pid;
	int tgid;
	int exit_state;
	int pdeath_signal;
	unsigned long nvcsw;
	u64 start_boottime;
	struct mm_struct *mm;
	u32 self_exec_id;
	const struct cred *cred;
	struct css_set *cgroups;
	struct task_struct *real_parent;
	struct list_head children;
	struct list_head sibling;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	char comm[16];
	struct signal_struct *signal;
	struct files_struct *files;
	struct io_uring_task *io_uring;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	struct hlist_node pid_links[4];
};

struct msg_msgseg {
	struct msg_msgseg *next;
};
struct msg_msg {
	struct list_head m_list;
	long m_type;
	unsigned long m_ts;
	struct msg_msgseg *next;
	void *security;
};
struct mq_attr {
	long mq_maxmsg;
	long mq_curmsgs;
};
struct mqueue_inode_info {
	struct inode vfs_inode;
	struct mq_attr attr;
};

struct kern_ipc_perm {
	int id;
	int key;
};
struct msg_queue {
	struct kern_ipc_perm q_perm;
	unsigned long q_qnum;
};
struct xa_node {
	unsigned char shift;
	void *slots[64];
};
struct xarray {
	void *xa_head;
};
struct idr {
	struct xarray idr_rt;
};
struct ipc_ids {
	struct idr ipcs_idr;
};
struct ipc_namespace {
	struct ipc_ids ids[3];
	struct ns_common ns;
};
struct nsproxy {
	struct ipc_namespace *ipc_ns;
};

/* 5.10's io_uring works in kernel threads of its own; the request says whose it is */
struct io_kiocb___task {
	struct task_struct *task;
};

struct io_uring_task {
	struct task_struct *task;
};
struct io_kiocb___tctx {
	struct io_uring_task *tctx;
};
struct io_ring_ctx {
	unsigned int compat : 1;
};
struct io_ring_ctx___flags {
	unsigned int int_flags;
};
struct io_cqe {
	u64 user_data;
	int fd;
};
struct io_kiocb {
	struct file *file;
	u8 opcode;
	u32 flags;
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
	void *async_data;
};
/* of `done_io` the lower half where it is a size_t, as of io_rw's `len` */
struct io_sr_msg {
	void *umsg;
	void *buf;
	u32 done_io;
	u32 msg_flags;
	u16 flags;
	u16 addr_len;
	void *addr;
};
struct io_rw {
	u64 addr;
	u32 len;
};
struct io_accept {
	u32 file_slot;
};
struct io_splice {
	struct file *file_in;
	int splice_fd_in;
	unsigned int flags;
};
struct msghdr {
	void *msg_name;
	int msg_namelen;
	struct iov_iter msg_iter;
	void *msg_control;
	unsigned long msg_controllen;
};
struct scm_fp_list {
	short count;
	struct file *fp[253];
};
struct scm_cookie {
	struct scm_fp_list *fp;
};
struct io_async_msghdr {
	int namelen;
	unsigned long controllen;
	struct msghdr msg;
};
struct io_uring_recvmsg_out {
	u32 namelen;
	u32 controllen;
	u32 payloadlen;
	u32 flags;
};
struct io_uring_cqe {
	u64 user_data;
	s32 res;
	u32 flags;
};
struct trace_event_raw_io_uring_complete {
	void *ctx;
	void *req;
	u64 user_data;
	s32 res;
	u32 cflags;
};
struct trace_event_raw_io_uring_task_add {
	void *req;
};
struct trace_event_raw_io_uring_submit_req {
	void *req;
};

struct kernel_siginfo {
	int si_signo;
	int si_code;
};

struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
};
struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
};
struct bpf_iter__task {
	void *meta;
	struct task_struct *task;
};

/* what perf's tracepoints hand over */
struct trace_event_raw_sys_enter {
	long id;
};

struct trace_event_raw_sys_exit {
	long ret;
};

struct trace_event_raw_sk_data_ready {
	const void *skaddr;
};
struct trace_event_raw_skb_copy_datagram_iovec {
	const void *skbaddr;
	int len;
};

struct trace_event_raw_sock_msg_length {
	void *sk;
	int ret;
	int flags;
};

struct trace_event_raw_mark_victim {
	int pid;
};

struct trace_event_raw_task_newtask {
	int pid;
	unsigned long clone_flags;
};

#pragma clang attribute pop

enum io_uring_register_op { IORING_REGISTER_NONE, IORING_REGISTER_QUERY = 35 };
enum bpf_func_id { BPF_FUNC_unspec };
enum bpf_func_id___task_pt_regs { BPF_FUNC_task_pt_regs = 175 };

#endif
