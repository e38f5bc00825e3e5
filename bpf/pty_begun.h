/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Writes to terminals that have begun, by thread, with who read the other side then. A write returns when its bytes may
 * have been read already: a shell that was told to exit is gone by then, and one that was told to start something has
 * given the foreground away.
 */
#ifndef PTY_BEGUN_H
#define PTY_BEGUN_H
#include "pty_reader.h"

struct begun_write {
	u64 side; /* tty_struct that is written to */
	struct beginning beginning;
	struct process reader;
	u32 guess;
	u32 session;
};

/* Whose end is not told of are overwritten by the thread's next, or go first */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct begun_write);
} begun_writes SEC(".maps");

static __always_inline bool is_slave(struct tty_struct *tty)
{
	return driver_subtype(BPF_CORE_READ(tty, driver)) == PTY_TYPE_SLAVE;
}

/* The number of the session whose terminal a slave is, in the tracer's pid namespace; 0: nobody's */
static __always_inline u32 session_number(struct tty_struct *slave)
{
	struct pid *session = session_of(slave);

	if (!session)
		return 0;
	return config.pid_namespace ? number_here((u64)session)
				    : BPF_CORE_READ(session, numbers[0].nr);
}

/* Finds who reads what is written to a side, and whose terminal it is, for the search of its slot; 1: a guess */
static __always_inline int search_reader(struct pty_search *search, struct tty_struct *side,
					 u32 via_uring)
{
	u64 other = (u64)BPF_CORE_READ(side, link);
	bool to_master = is_slave(side);
	u64 slave = to_master ? (u64)side : other;

	search->session = session_number((struct tty_struct *)slave);
	return find_reader(other, to_master, via_uring);
}

/* A thread begins to write to a side of a terminal */
static __always_inline int begin_write(struct tty_struct *side, u32 thread)
{
	struct begun_write begun = {.side = (u64)side};
	u32 slot = 0;
	struct pty_search *search = bpf_map_lookup_elem(&searches, &slot);

	if (!search)
		return 0;
	begun.guess = search_reader(search, side, slot);
	begun.reader = search->reader;
	begun.session = search->session;
	if (begun.guess)
		watch_line((u64)BPF_CORE_READ(side, link), &begun.beginning);
	bpf_map_update_elem(&begun_writes, &thread, &begun, BPF_ANY);
	return 0;
}

/*
 * The search has found who reads now what the current thread has written: it was for who read as that began, if he is
 * known. 1: a guess
 */
static __always_inline int settle_reader(struct pty_search *search, struct tty_struct *side,
					 int guess)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct begun_write *begun = bpf_map_lookup_elem(&begun_writes, &thread);

	if (!begun || begun->side != (u64)side)
		return guess;
	search->beginning = begun->beginning;
	if (!begun->reader.tgid)
		return guess;
	if (!search->session)
		search->session = begun->session;
	if (search->reader.tgid && search->reader.tgid != begun->reader.tgid) {
		/* who has begun to read a master has read some of it; who has the foreground by now, perhaps not */
		if (!is_slave(side))
			search->reader = begun->reader;
		return 1;
	}
	/* calls of the other that are under way now are references to his file as well, and do not make it a guess */
	search->reader = begun->reader;
	return begun->guess;
}

static __always_inline void forget_write(void)
{
	u32 thread = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&begun_writes, &thread);
}

#endif
