/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where what is written to a terminal begins and ends among all that its other side is given to read, and what each
 * read there took: who took it is observed. The line discipline counts what it has put into its buffer, and what was
 * taken from there; what it was not given yet is in the port's buffers. As it edits lines, positions are no counts of the
 * bytes that were written: those of a write begin at its first one's at the earliest, and end behind its last one's.
 */
#ifndef PTY_LINE_H
#define PTY_LINE_H
#include "count.h"
#include "process.h"
#include "repeat.h"
#include "tty.h"

#define PORT_BUFFERS 64
#define PORT_LIMIT (1 << 20) /* bytes, none holds as many */
/* of c_iflag and c_oflag: a byte of what is written may be counted as several; of c_lflag: so may be what others read */
#define PARMRK 0000010
#define OPOST 1
#define ECHO 0000010
/* of c_lflag, and of c_iflag: not every byte of what is written is counted */
#define ISIG 1
#define ICANON 2
#define IGNCR 0000200
#define IXON 0002000
#define N_TTY 0
#define LINES 4096
/* ns for which reads are told after a write that several may read: more than any event waits */
#define TOLD_FOR (16 * 1000000000ULL)

/* A side that is read, by its tty_struct; positions are counted modulo 2^32 */
struct line {
	u64 number;    /* of the receive_records: another terminal at this address has another */
	u64 until;     /* CLOCK_BOOTTIME: reads are told */
	u32 taken;     /* behind what was taken last, as far as is known */
	u32 begun;     /* what the buffer was given as the last write began */
	u32 writes;    /* counts beginnings and ends of writes; odd: one is on */
	u32 behind;    /* where the last one has ended */
	u32 is_behind; /* that is known, and none has begun since */
	u32 reserved;
};

/* Where a write begins, as that is known when it does */
struct beginning {
	u64 line;     /* its number; 0: nobody counts */
	u32 position; /* at the earliest */
	u32 is_alone; /* nothing else is on its way there */
	u32 latest;   /* then it begins here at the latest */
	u32 writes;   /* as the line has it */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LINES);
	__type(key, u64);
	__type(value, struct line);
} lines SEC(".maps");

/* Of a side that has the usual line discipline; NULL: nobody counts */
static __always_inline struct n_tty_data *n_tty_of(struct tty_struct *tty)
{
	struct tty_ldisc *discipline = BPF_CORE_READ(tty, ldisc);

	if (!discipline || BPF_CORE_READ(discipline, ops, num) != N_TTY)
		return NULL;
	return BPF_CORE_READ(tty, disc_data);
}

/* Bytes for a side that its line discipline was not given yet. Global, to be verified once */
__noinline u32 port_holds(u64 side)
{
	struct tty_buffer *buffer = BPF_CORE_READ((struct tty_struct *)side, port, buf.head);
	u32 bytes = 0;

	if (!has_traced(FAMILY_PTY))
		return 0;
	for (u32 i = 0; i < PORT_BUFFERS; i++) {
		barrier();
		if (!buffer)
			break;
		bytes += BPF_CORE_READ(buffer, used) - BPF_CORE_READ(buffer, read);
		buffer = BPF_CORE_READ(buffer, next);
	}
	/* more than are looked at */
	return buffer ? PORT_LIMIT : bytes;
}

/* What a side was given so far and can't be taken from it again: a line can be edited from its beginning on */
static __always_inline u32 given(struct tty_struct *tty, struct n_tty_data *data)
{
	return BPF_CORE_READ(tty, termios.c_lflag) & ICANON ? BPF_CORE_READ(data, canon_head)
							    : BPF_CORE_READ(data, read_head);
}

/* Whether something goes from the port to the line discipline right now, and may be counted at both */
static __always_inline bool is_given(struct tty_struct *tty)
{
	return BPF_CORE_READ(tty, port, buf.lock.owner.counter) != 0;
}

/* Whether every byte that is written to this side is counted as one */
static __always_inline bool is_plain(struct tty_struct *tty)
{
	return !(BPF_CORE_READ(tty, termios.c_lflag) & (ICANON | ISIG) ||
		 BPF_CORE_READ(tty, termios.c_iflag) & (IGNCR | IXON | PARMRK));
}

/* Whether nothing else than what is written comes to this side */
static __always_inline bool is_only_written(struct tty_struct *tty)
{
	return !(BPF_CORE_READ(tty, link, termios.c_oflag) & OPOST ||
		 BPF_CORE_READ(tty, link, termios.c_lflag) & ECHO);
}

/*
 * Where what is written now begins, of a side that was given so much so far: behind all that is on its way. While some
 * of it goes to the line discipline that is where the last write has ended.
 */
static __always_inline void find_beginning(struct tty_struct *tty, struct n_tty_data *data,
					   struct line *line, u32 so_far,
					   struct beginning *beginning)
{
	u32 head = BPF_CORE_READ(data, read_head), held;
	bool is_given_now = is_given(tty), plain = is_plain(tty);

	beginning->position = so_far;
	if (BPF_CORE_READ(tty, termios.c_iflag) & PARMRK || line->writes & 1)
		return;
	held = port_holds((u64)tty);
	barrier();
	if (held == PORT_LIMIT)
		return;
	if (!is_given_now && !is_given(tty) && (u32)BPF_CORE_READ(data, read_head) == head)
		beginning->latest = head + held;
	else if (plain && line->is_behind && !is_before(line->behind, head) &&
		 !is_before((u32)BPF_CORE_READ(data, read_head) + held, line->behind))
		beginning->latest = line->behind;
	else
		return;
	beginning->is_alone = true;
	if (plain && !is_before(beginning->latest, so_far))
		beginning->position = beginning->latest;
}

/*
 * Where a write of so many bytes ends at the latest. What goes from the port to the line discipline right now is counted
 * twice, which lasts until its readers were woken. So when the write was alone it is known by its length.
 */
static __always_inline u32 find_end(u64 side, const struct beginning *beginning, u32 count)
{
	struct line *line = bpf_map_lookup_elem(&lines, &side);
	struct tty_struct *tty = (struct tty_struct *)side;
	struct n_tty_data *data = n_tty_of(tty);
	u32 known = beginning->latest + count, before, end;
	bool moves = is_given(tty);

	if (!data)
		return 0;
	before = BPF_CORE_READ(data, read_head);
	barrier();
	end = port_holds(side);
	barrier();
	end += (u32)BPF_CORE_READ(data, read_head);
	moves = moves || is_given(tty) || (u32)BPF_CORE_READ(data, read_head) != before;
	if (!line)
		return end;
	if (beginning->is_alone && line->writes == beginning->writes && !is_before(known, before) &&
	    !is_before(end, known)) {
		if (moves)
			end = known;
		line->behind = known;
		line->is_behind = is_plain(tty) && is_only_written(tty);
	}
	line->writes = (line->writes | 1) + 1;
	return end;
}

/* Something was written to this side whose place nobody knows */
static __always_inline void lose_end(u64 side)
{
	struct line *line = bpf_map_lookup_elem(&lines, &side);

	if (line)
		line->is_behind = false;
}

/* What is in the buffer was thrown away, and all is counted from 0 again: what was told of it counts no more */
static __always_inline void begin_anew(struct line *line)
{
	line->number = bpf_ktime_get_boot_ns();
	line->taken = 0;
	line->begun = 0;
}

/* Something is written that several may read at this side: reads are told from now on */
static __always_inline void watch_line(u64 side, struct beginning *beginning)
{
	struct tty_struct *tty = (struct tty_struct *)side;
	struct n_tty_data *data = n_tty_of(tty);
	struct line *line = bpf_map_lookup_elem(&lines, &side);
	u64 now = bpf_ktime_get_boot_ns();
	u32 so_far;

	if (!data)
		return;
	if (!line) {
		struct line fresh = {.number = now, .until = now + TOLD_FOR};

		fresh.taken = BPF_CORE_READ(data, read_tail);
		fresh.begun = fresh.taken;
		bpf_map_update_elem(&lines, &side, &fresh, BPF_NOEXIST);
		line = bpf_map_lookup_elem(&lines, &side);
		if (!line)
			return;
	}
	line->until = now + TOLD_FOR;
	so_far = given(tty, data);
	barrier();
	find_beginning(tty, data, line, so_far, beginning);
	if (is_before(so_far, line->begun) ||
	    is_before(BPF_CORE_READ(data, read_tail), line->taken))
		begin_anew(line);
	line->begun = so_far;
	beginning->line = line->number;
	line->is_behind = false;
	line->writes = (line->writes + 1) | 1;
	beginning->writes = line->writes;
}

/*
 * A task has read so much at a side; it may be a byte more or less than was taken: what ends a line, or says that packets
 * are on. Global, for its frame to lie beside report_write's
 */
__noinline int line_read(u64 side, u64 task, u32 count)
{
	struct line *line = bpf_map_lookup_elem(&lines, &side);
	struct receive_record *record;
	struct n_tty_data *data;
	struct identity self = {};
	u32 start, end;
	bool is_next;
	u64 now;

	if (!line || !has_traced(FAMILY_PTY))
		return 0;
	data = n_tty_of((struct tty_struct *)side);
	if (!data)
		return 0;
	end = BPF_CORE_READ(data, read_tail);
	start = end - count;
	if (start + 1 == line->taken || start == line->taken + 1)
		start = line->taken;
	is_next = start == line->taken;
	if (is_before(end, line->taken))
		begin_anew(line);
	line->taken = end;
	now = bpf_ktime_get_boot_ns();
	/* another one's read that returns at the same time may be what is counted here: nobody can tell */
	if (now > line->until || !is_next || start == end)
		return 0;
	identify((struct task_struct *)task, &self);
	introduce(&self);
	announce(&self);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(KIND_UNKNOWN, LOST_RING_FULL, 1);
		return 0;
	}
	record->type = RECORD_RECEIVE;
	record->position = start;
	record->time = now;
	record->inode = 0;
	record->channel = line->number;
	record->who = self.who;
	record->count = end - start;
	record->unclear = 0;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

/* A terminal begins: another one may have been at the addresses of its sides */
static __always_inline void forget_lines(struct tty_struct *tty)
{
	u64 side = (u64)tty, other = (u64)BPF_CORE_READ(tty, link);

	bpf_map_delete_elem(&lines, &side);
	bpf_map_delete_elem(&lines, &other);
}

#endif
