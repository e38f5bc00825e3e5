/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Addresses of unix sockets, sent before the first event that refers to them. */
#ifndef ADDRESS_H
#define ADDRESS_H
#include "family.h"
#include "file.h"

#define UNIX_HASH_SIZE 256

/* Addresses user space was told already, by the inode of the socket whose they are */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, u64);
} addresses SEC(".maps");

/* An address, and the struct path of its file, or of the folder that it is relative to; 0: there is neither */
static __always_inline bool send_address(u64 key, const void *bytes, u32 length, bool user,
					 u64 path, bool is_folder)
{
	struct dentry *dentry = path ? BPF_CORE_READ((struct path *)path, dentry) : NULL;
	struct inode *inode = dentry ? BPF_CORE_READ(dentry, d_inode) : NULL;
	struct address_record *record;
	u64 number = 0;
	u32 device = 0;

	if (inode) {
		number = BPF_CORE_READ(inode, i_ino);
		device = BPF_CORE_READ(inode, i_sb, s_dev);
		if (send_path(path, number, device))
			return false;
	}
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record)
		return false;
	record->type = RECORD_ADDRESS;
	record->key = key;
	record->inode = number;
	record->device = device;
	record->is_folder = is_folder;
	__builtin_memset(record->data, 0, sizeof(record->data));
	if (length > ADDRESS_DATA)
		length = ADDRESS_DATA;
	record->length = length;
	barrier_var(length);
	if (length > ADDRESS_DATA)
		length = ADDRESS_DATA;
	if (user)
		bpf_probe_read_user(record->data, length, bytes);
	else
		bpf_probe_read_kernel(record->data, length, bytes);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return true;
}

/* Makes the address that a socket is bound to known under `key`; 0: it is not bound. Global, to be verified once */
__noinline int mention_address(u64 socket, u64 key)
{
	struct unix_address *address = BPF_CORE_READ((struct unix_sock *)socket, addr);
	u64 told = (u64)address, *known;
	int length;

	if (!address || !has_traced(FAMILY_UNIX))
		return 0;
	known = bpf_map_lookup_elem(&addresses, &key);
	if (known && *known == told)
		return 1;
	length = BPF_CORE_READ(address, len) - (int)sizeof(u16);
	if (length <= 0)
		return 0;
	if (send_address(key,
			 (void *)address + bpf_core_field_offset(struct unix_address, name) +
				 sizeof(u16),
			 length, false, socket + bpf_core_field_offset(struct unix_sock, path),
			 false))
		bpf_map_update_elem(&addresses, &key, &told, BPF_ANY);
	return 1;
}

/* Makes the address known that a datagram was sent to, whose receiver is not. Global, for its frame to be apart */
__noinline int send_destination(u64 key, u64 name, u32 length, u32 copied)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 folder = 0;
	u8 first = 0;

	if (!has_traced(FAMILY_UNIX))
		return 0;
	if (copied)
		bpf_probe_read_kernel(&first, 1, (void *)name);
	else
		bpf_probe_read_user(&first, 1, (void *)name);
	if (first && first != '/')
		folder =
			(u64)BPF_CORE_READ(task, fs) + bpf_core_field_offset(struct fs_struct, pwd);
	return send_address(key, (void *)name, length, !copied, folder, folder != 0);
}

/*
 * Whether a socket has its address because it was accepted, not because it was bound itself. Before 6.0 that is told
 * only as long as the listener is there, which has it, too.
 */
static __always_inline bool is_accepted(struct sock *sk)
{
	struct unix_address *address = BPF_CORE_READ((struct unix_sock *)sk, addr);

	if (bpf_core_type_exists(struct unix_table))
		return BPF_CORE_READ(sk, __sk_common.skc_hash) < UNIX_HASH_SIZE &&
		       !BPF_CORE_READ(sk, __sk_common.skc_bind_node.pprev);
	return BPF_CORE_READ(address, refcnt.refs.counter) > 1;
}

#define ADDRESS_WORDS ((ADDRESS_DATA + sizeof(u64)) / sizeof(u64)) /* with a NUL */

/* Two spellings of an address; in a map for the reason that payload.h gives */
struct sun_path_cmp {
	u64 sent_to[ADDRESS_WORDS];
	u64 bound_to[ADDRESS_WORDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct sun_path_cmp);
} sun_path_cmps SEC(".maps");

/* Whether a socket is bound to what is the same, letter by letter, as the bytes behind a sun_family */
__noinline int is_bound_to(u64 socket, u64 name, u32 length, u32 copied)
{
	u32 zero = 0;
	struct sun_path_cmp *cmp = bpf_map_lookup_elem(&sun_path_cmps, &zero);
	struct unix_address *address = BPF_CORE_READ((struct unix_sock *)socket, addr);
	const void *bound =
		(void *)address + bpf_core_field_offset(struct unix_address, name) + sizeof(u16);
	u64 differs = 0;
	u8 first = 0;

	if (!cmp || !has_traced(FAMILY_UNIX) || !address || !length || length > ADDRESS_DATA)
		return 0;
	__builtin_memset(cmp, 0, sizeof(*cmp));
	barrier_var(length);
	if (length > ADDRESS_DATA)
		return 0;
	if (copied)
		bpf_probe_read_kernel(&first, 1, (void *)name);
	else
		bpf_probe_read_user(&first, 1, (void *)name);
	if (first) {
		/* a path, which ends with a NUL or with what was given; what is behind it here stays 0 */
		bpf_probe_read_kernel_str(cmp->bound_to, ADDRESS_DATA + 1, bound);
		if (copied)
			bpf_probe_read_kernel_str(cmp->sent_to, length + 1, (void *)name);
		else
			bpf_probe_read_user_str(cmp->sent_to, length + 1, (void *)name);
	} else {
		if (BPF_CORE_READ(address, len) - sizeof(u16) != length)
			return 0;
		bpf_probe_read_kernel(cmp->bound_to, length, bound);
		if (copied)
			bpf_probe_read_kernel(cmp->sent_to, length, (void *)name);
		else
			bpf_probe_read_user(cmp->sent_to, length, (void *)name);
	}
#pragma unroll
	for (u32 i = 0; i < ADDRESS_WORDS; i++)
		differs |= cmp->sent_to[i] ^ cmp->bound_to[i];
	return !differs;
}

#endif
