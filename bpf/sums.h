/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Events added up where nothing but sums is asked for, and all of an event but its time and size is in the key: such
 * ones need no record each. Names are announced before an event is added, so that who reads the sums first and the
 * ring then knows all of them. What finds no room goes through the ring.
 */
#ifndef SUMS_H
#define SUMS_H
#include "emit.h"

#define SUMS 16384

#define SUM_REST 96

/* What tells the events of one sum from those of others: of their records all but times, sizes and positions */
struct sum_key {
	struct process src;
	struct process dst;
	u32 kind;
	u32 flags;
	u8 rest[SUM_REST]; /* of the record, behind its event_record */
};

/* Events that went without a record, only ever growing */
struct sum {
	u64 events;
	u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SUMS);
	__type(key, struct sum_key);
	__type(value, struct sum);
} sums __weak SEC(".maps");

/* Keys being made, for a stack has no room for them: of a call, of a request of io_uring */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct sum_key);
} sum_keys __weak SEC(".maps");

/* The key for events of a kind, with an empty rest */
static __always_inline struct sum_key *sum_key_of(u32 via_uring, enum kind kind, u32 flags)
{
	struct sum_key *key = bpf_map_lookup_elem(&sum_keys, &via_uring);

	if (!key)
		return NULL;
	key->kind = kind;
	key->flags = flags;
	__builtin_memset(key->rest, 0, sizeof(key->rest));
	return key;
}

/* Where a member of the record is in its key */
#define REST(key, record, member)                                                                  \
	((typeof(((struct record *)0)->member) *)((key)->rest + offsetof(struct record, member) -  \
						  sizeof(struct event_record)))

/* Whether the event was added, and needs no record */
static __always_inline bool add_to_sum(const struct sum_key *key, u32 bytes)
{
	struct sum *sum;

	if (*(volatile s32 *)&shared.samples > 0) {
		__sync_fetch_and_add(&shared.samples, -1);
		return false;
	}
	sum = bpf_map_lookup_elem(&sums, key);
	if (!sum) {
		struct sum none = {};

		/* another processor may be faster; then it is there all the same */
		bpf_map_update_elem(&sums, key, &none, BPF_NOEXIST);
		sum = bpf_map_lookup_elem(&sums, key);
	}
	if (!sum) {
		__sync_fetch_and_add(&shared.spilled, 1);
		return false;
	}
	__sync_fetch_and_add(&sum->events, 1);
	__sync_fetch_and_add(&sum->bytes, bytes);
	return true;
}

#endif
