/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Descriptors on their way over a unix socket: which files they stand for, and by which numbers at either end. */
#ifndef PASSED_H
#define PASSED_H
#include "address.h"
#include "family.h"
#include "position.h"
#include "repeat.h"

#define ANON_INODE_FS_MAGIC 0x09041934
#define CONTROLS 4 /* control messages that are looked at */

/* The place where they are gathered: what a task receives and sends, by calls and by io_uring */
enum passing {
	PASSING_URING = 1,
	PASSING_SENT = 2,
	PASSINGS = 4,
	PASSING_COPIED = 4, /* beside one of these: the control messages are in kernel memory */
};

struct passing_scratch {
	s32 fds[PASSED];
	u64 count;
	struct passed_record out;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PASSINGS);
	__type(key, u32);
	__type(value, struct passing_scratch);
} passings SEC(".maps");

/* Adds the n-th descriptor of the current process; 0: there are no more. Global, to be verified once */
__noinline int add_passed(u32 which, u32 n)
{
	struct passing_scratch *passing = bpf_map_lookup_elem(&passings, &which);
	struct passed *passed;
	struct inode *inode;
	struct file *file;
	u32 at;
	s32 fd;

	if (!passing || n >= passing->count || n >= PASSED || !has_traced(FAMILY_UNIX))
		return false;
	at = passing->out.count;
	if (at >= PASSED)
		return false;
	barrier_var(n); /* or clang leaves out the masks, which older verifiers need */
	barrier_var(at);
	fd = passing->fds[n & (PASSED - 1)];
	file = file_of(fd);
	if (!file)
		return true;
	passed = &passing->out.files[at & (PASSED - 1)];
	inode = BPF_CORE_READ(file, f_inode);
	passed->file = (u64)file;
	passed->inode = BPF_CORE_READ(inode, i_ino);
	passed->device = BPF_CORE_READ(inode, i_sb, s_dev);
	passed->mode = BPF_CORE_READ(inode, i_mode);
	passed->magic = BPF_CORE_READ(inode, i_sb, s_magic);
	passed->fd = fd;
	bpf_probe_read_kernel_str(passed->name, PASSED_NAME,
				  BPF_CORE_READ(file, f_path.dentry, d_name.name));
	passing->out.count = at + 1;
	return true;
}

/* Adds the descriptors of one control message, which are at `fds`. Global, for its frame to lie beside others */
__noinline int add_rights(u64 fds, u64 length, u32 how)
{
	u32 which = how & (PASSINGS - 1);
	struct passing_scratch *passing = bpf_map_lookup_elem(&passings, &which);
	long failed;

	if (!passing || !has_traced(FAMILY_UNIX))
		return 0;
	if (length > sizeof(passing->fds))
		length = sizeof(passing->fds);
	barrier_var(length);
	if (length > sizeof(passing->fds))
		return 0;
	if (how & PASSING_COPIED)
		failed = bpf_probe_read_kernel(passing->fds, length, (void *)fds);
	else
		failed = bpf_probe_read_user(passing->fds, length, (void *)fds);
	if (failed)
		return 0;
	passing->count = length / sizeof(s32);
	repeat_while(i, PASSED, add_passed(which, i));
	return 0;
}

/* Adds those of all control messages of a message that is sent */
__noinline int add_controls(u64 control, u64 length, u32 compat, u32 how)
{
	u32 head = compat ? 12 : 16;

	if (!has_traced(FAMILY_UNIX))
		return 0;
	for (int i = 0; i < CONTROLS; i++) {
		u32 words[4] = {};
		u64 size, step = compat ? 4 : 8;
		u32 level, type;

		if (length < head)
			return 0;
		if (how & PASSING_COPIED)
			bpf_probe_read_kernel(words, sizeof(words), (void *)control);
		else
			bpf_probe_read_user(words, sizeof(words), (void *)control);
		/* a length, a level and a type */
		size = compat ? words[0] : words[0] | (u64)words[1] << 32;
		level = compat ? words[1] : words[2];
		type = compat ? words[2] : words[3];
		if (size < head || size > length)
			return 0;
		if (level == SOL_SOCKET && type == SCM_RIGHTS)
			add_rights(control + head, size - head, how);
		size = (size + step - 1) & ~(step - 1);
		if (size > length)
			return 0;
		control += size;
		length -= size;
	}
	return 0;
}

/* Tells the name of the n-th file; 0: there are no more. Global, for loops of verifiers without iterators */
__noinline int name_passed(u32 which, u32 n)
{
	struct passing_scratch *passing = bpf_map_lookup_elem(&passings, &which);
	struct passed *passed;
	struct file *file;
	struct sock *sk;

	if (!passing || n >= passing->out.count || n >= PASSED || !has_traced(FAMILY_UNIX))
		return false;
	barrier_var(n);
	passed = &passing->out.files[n & (PASSED - 1)];
	file = (void *)passed->file;
	if ((passed->mode & S_IFMT) == S_IFSOCK) {
		sk = sock_of_file(file);
		if (sk && is_unix(sk))
			mention_address((u64)sk, passed->inode);
	} else if (passed->magic != ANON_INODE_FS_MAGIC && passed->magic != PIPEFS_MAGIC) {
		send_path((u64)file + bpf_core_field_offset(struct file, f_path), passed->inode,
			  passed->device);
	}
	return true;
}

static __always_inline void begin_passing(u32 which, u64 inode)
{
	struct passing_scratch *passing = bpf_map_lookup_elem(&passings, &which);

	if (!passing)
		return;
	passing->out.type = RECORD_PASSED;
	passing->out.thread = bpf_get_current_pid_tgid();
	passing->out.time = bpf_ktime_get_boot_ns();
	passing->out.inode = inode;
	passing->out.is_received = !(which & PASSING_SENT);
	passing->out.count = 0;
}

/* Sends them; their time, 0: there were none */
static __always_inline u64 end_passing(u32 which)
{
	struct passing_scratch *passing = bpf_map_lookup_elem(&passings, &which);
	u64 length;

	if (!passing || !passing->out.count)
		return 0;
	length = offsetof(struct passed_record, files) +
		 (u64)passing->out.count * sizeof(struct passed);
	barrier_var(length);
	if (length > sizeof(passing->out) ||
	    bpf_ringbuf_output(&ring, &passing->out, length, BPF_RB_NO_WAKEUP))
		return 0;
	return passing->out.time;
}

/*
 * Tells of descriptors that the current process was given by a socket, whose numbers are at `fds`. What was peeked at
 * has other numbers when it is received.
 */
__noinline int rights_received(u64 socket, u64 fds, u64 length, u32 via_uring)
{
	u32 which = via_uring & PASSING_URING;

	if (!has_traced(FAMILY_UNIX))
		return 0;
	if (which) {
		struct completion *completion = current_completion();

		if (!completion || !takes(completion))
			return 0;
	} else {
		struct ongoing *ongoing = current_ongoing();

		if (!ongoing || only_looks(ongoing))
			return 0;
	}
	begin_passing(which, sock_inode((void *)socket));
	add_rights(fds, length, which);
	end_passing(which);
	return 0;
}

#endif
