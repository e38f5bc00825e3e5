/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Whose events are asked for, decided before anything is reserved for one. A definite no only: what is
 * not known here goes up, and user space (src/filter/filter.ts) decides all of it once more. Without filters
 * the configuration is all zero, and the verifier takes what is here out of the programs.
 */
#ifndef SELECT_H
#define SELECT_H
#include "globs.h"

enum group {
	GROUP_SOURCE = 1,	     /* -s -S */
	GROUP_DESTINATION = 2,	     /* -d -D */
	GROUP_EITHER = 4,	     /* -p -P */
	GROUP_EXCLUDED = 8,	     /* --not-pid --not-comm */
	GROUP_COMMAND = 16,	     /* -- cmd and its descendants */
	GROUPS_UNKNOWN = 32,	     /* nobody can say here which ones */
	GROUP_NOT_SOURCE = 64,	     /* --not-src-pid --not-src-comm */
	GROUP_NOT_DESTINATION = 128, /* --not-dst-pid --not-dst-comm */
	/* by who they are (who.h): user space puts a process into these once it was announced */
	GROUP_WHO_SOURCE = 256,
	GROUP_WHO_DESTINATION = 512,
	GROUP_WHO_EITHER = 1024,
	GROUPS_UNLEARNED = 2048, /* it has not yet */
};

struct member {
	u64 born; /* when, for one that was followed since, to tell it from the next one with its pid; else 0 */
	u32 groups;
	u32 reserved;
};

/* The groups of processes, by pid in the tracer's namespace: user space puts in whom the flags name, forks add descendants */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct member);
} chosen_pids __weak SEC(".maps");

struct comm {
	u8 bytes[COMM_LENGTH];
};

/* The groups of names, which are padded with zeros */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct comm);
	__type(value, u32);
} chosen_comms __weak SEC(".maps");

/* Whether there is anything to select by */
static __always_inline bool selects(void)
{
	return config.pid_groups | config.comm_groups | config.who_groups;
}

/* The groups that a process of this pid and name is in; pid 0 is outside the tracer's namespace */
static __always_inline u32 groups_by(u32 pid, const u8 comm[COMM_LENGTH])
{
	u32 groups = 0;

	if (config.pid_groups && pid) {
		struct member *member = bpf_map_lookup_elem(&chosen_pids, &pid);

		if (member)
			groups = member->groups;
		else if (*(volatile u32 *)&shared.crowded)
			groups = GROUPS_UNKNOWN;
	}
	if (config.comm_groups) {
		u32 *named_so = bpf_map_lookup_elem(&chosen_comms, comm);

		if (named_so)
			groups |= *named_so;
		if (config.globs) {
			u64 words[COMM_LENGTH / sizeof(u64)];

			__builtin_memcpy(words, comm, COMM_LENGTH);
			groups |= groups_by_glob(words[0], words[1]);
		}
	}
	return groups;
}

static __always_inline bool is_missed(u32 group, u32 groups)
{
	return ((config.pid_groups | config.comm_groups) & group) &&
	       !(groups & (group | GROUPS_UNKNOWN));
}

static __always_inline bool is_missed_who(u32 group, u32 groups)
{
	return (config.who_groups & group) && !(groups & (group | GROUPS_UNLEARNED));
}

/* Whether an event between processes of these groups may be wanted */
static __always_inline bool may_pass(u32 src, u32 dst)
{
	return !((src | dst) & GROUP_EXCLUDED) && !(src & GROUP_NOT_SOURCE) &&
	       !(dst & GROUP_NOT_DESTINATION) && !is_missed(GROUP_SOURCE, src) &&
	       !is_missed(GROUP_DESTINATION, dst) && !is_missed(GROUP_EITHER, src | dst) &&
	       !is_missed(GROUP_COMMAND, src | dst) && !is_missed_who(GROUP_WHO_SOURCE, src) &&
	       !is_missed_who(GROUP_WHO_DESTINATION, dst) &&
	       !is_missed_who(GROUP_WHO_EITHER, src | dst);
}

#endif
