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

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* x86-64 */
struct pt_regs {
	unsigned long bx, cx, di, si, dx, r10, ax, orig_ax, sp, ip, r8, bp;
};

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
};

struct super_block {
	u32 s_dev;
	unsigned long s_magic;
};
struct inode {
	u16 i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
};
struct file {
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
struct files_struct {
	struct fdtable *fdt;
};

struct mutex {
	int unused;
};
struct pipe_buffer {
	unsigned int offset, len, flags;
};
struct pipe_inode_info {
	struct mutex mutex;
	unsigned int head;
	unsigned int tail;
	unsigned int ring_size;
	unsigned int r_counter;
	unsigned int w_counter;
	struct pipe_buffer *bufs;
};

struct thread_info {
	u32 status;
};
struct task_struct {
	struct thread_info thread_info;
	void *stack;
	unsigned int flags;
	int pid;
	int tgid;
	u64 start_boottime;
	struct task_struct *group_leader;
	char comm[16];
	struct files_struct *files;
	struct fs_struct *fs;
};

/* 5.10's io_uring works in kernel threads of its own; the request says whose it is */
struct io_kiocb___task {
	struct task_struct *task;
};

struct kernel_siginfo {
	int si_signo;
	int si_code;
};

#pragma clang attribute pop

enum bpf_func_id { BPF_FUNC_unspec };
enum bpf_func_id___task_pt_regs { BPF_FUNC_task_pt_regs = 175 };

#endif
