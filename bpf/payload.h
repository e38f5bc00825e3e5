/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Contents: bytes out of user memory into the ring, as chunk_records. The cursor lives in a map
 * value and every iteration takes one step: held in registers, the same loop exceeds the verifier's
 * million instructions on every kernel from 5.10 to 7.3.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H
#include "compat.h"
#include "emit.h"
#include "repeat.h"

enum source_kind {
	SOURCE_NONE, /* kernel pages: not readable from here */
	SOURCE_BUFFER,
	SOURCE_KERNEL_SEGMENTS, /* struct iovec[], already copied in by the kernel */
	SOURCE_USER_SEGMENTS,
	SOURCE_COMPAT_SEGMENTS, /* a 32-bit program's */
};

/* Where a system call's bytes are, before the kernel moves its iterator over them */
struct source {
	u64 base;
	u64 length;
	u64 segments;
	u64 skip; /* bytes of the first segment that are not ours */
	u32 segment_count;
	u32 kind;
};

#define PIECE 16256
/* steps a round, and rounds: two loops of 64 are verified in the time of one of 128 */
#define STEPS 64
#define ROUNDS 64

struct cursor {
	struct source source;
	u64 wanted;
	u32 fill; /* bytes in the chunk */
	u32 sent; /* bytes in chunks that are in the ring */
};

/*
 * One for each program that captures, those for pipes, for calls and for requests: on preemptible kernels
 * another task's may come in between, but a program does not interrupt itself on its CPU.
 */
enum slot { SLOT_PIPE, SLOT_CALL, SLOT_REQUEST, SLOTS };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, u32);
	__type(value, struct cursor);
} cursors __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS); /* user space makes it 1 when no contents are wanted */
	__type(key, u32);
	__type(value, struct chunk_record);
} chunks __weak SEC(".maps");

static __always_inline void source_of_iter(struct source *source, struct iov_iter *iter)
{
	u32 kind = iter_kind(iter);
	u64 skip = BPF_CORE_READ(iter, iov_offset);

	if (iter_is_ubuf(kind)) {
		source->kind = SOURCE_BUFFER;
		source->base = (u64)BPF_CORE_READ(iter, ubuf) + skip;
		source->length = BPF_CORE_READ(iter, count);
	} else if (iter_is_iovec(kind)) {
		source->kind = SOURCE_KERNEL_SEGMENTS;
		source->segments = (u64)iter_segments(iter);
		source->segment_count = BPF_CORE_READ(iter, nr_segs);
		source->skip = skip;
	}
}

static __always_inline bool next_segment(struct source *source)
{
	u64 pair[2] = {};
	u32 compat[2];
	long failed;

	if (!source->segment_count)
		return false;
	if (source->kind == SOURCE_COMPAT_SEGMENTS) {
		failed = bpf_probe_read_user(compat, sizeof(compat), (void *)source->segments);
		pair[0] = compat[0];
		pair[1] = compat[1];
		source->segments += sizeof(compat);
	} else if (source->kind == SOURCE_USER_SEGMENTS) {
		failed = bpf_probe_read_user(pair, sizeof(pair), (void *)source->segments);
		source->segments += sizeof(pair);
	} else {
		failed = bpf_probe_read_kernel(pair, sizeof(pair), (void *)source->segments);
		source->segments += sizeof(pair);
	}
	if (failed || source->skip > pair[1])
		return false;
	source->segment_count--;
	source->base = pair[0] + source->skip;
	source->length = pair[1] - source->skip;
	source->skip = 0;
	return true;
}

/* Sends what the chunk holds; false: the ring is full */
static __always_inline bool send_chunk(struct cursor *cursor, struct chunk_record *chunk)
{
	u64 size;

	if (!cursor->fill)
		return true;
	chunk->offset = cursor->sent;
	chunk->length = cursor->fill;
	size = offsetof(struct chunk_record, data) + (u64)cursor->fill;
	/* the compiler proves bounds in ways the verifier can't follow: make it forget, then say it again */
	barrier_var(size);
	if (size > sizeof(*chunk) || bpf_ringbuf_output(&ring, chunk, size, BPF_RB_NO_WAKEUP))
		return false;
	cursor->sent += cursor->fill;
	cursor->fill = 0;
	return true;
}

/*
 * Copies or sends a piece; 0: nothing left to do. A global function is verified once; inlined into
 * the loop its branches would pile up until the verifier gives up ("8193 jumps").
 */
__weak __noinline int step(u32 slot)
{
	struct cursor *cursor = bpf_map_lookup_elem(&cursors, &slot);
	struct chunk_record *chunk = bpf_map_lookup_elem(&chunks, &slot);
	u64 n;
	u32 fill;

	if (!cursor || !chunk)
		return false;
	n = cursor->wanted;
	fill = cursor->fill;
	if (!n)
		return false;
	if (fill > 0x3fff)
		return send_chunk(cursor, chunk);
	if (!cursor->source.length && !next_segment(&cursor->source))
		return false;
	if (n > cursor->source.length)
		n = cursor->source.length;
	if (n > PIECE)
		n = PIECE;
	barrier_var(n);
	if (n > PIECE)
		return false;
	barrier_var(fill);
	if (bpf_probe_read_user(chunk->data + (fill & 0x3fff), n, (void *)cursor->source.base))
		return false;
	cursor->fill = fill + n;
	cursor->source.base += n;
	cursor->source.length -= n;
	cursor->wanted -= n;
	return true;
}

/* 0: nothing left to do */
__weak __noinline int take_steps(u32 slot)
{
	bool more = true;

	repeat_while(i, STEPS, (more = step(slot)));
	return more;
}

/* Sends up to `wanted` bytes of the cursor's source; how many are in the ring */
__weak __noinline int send_contents(u64 wanted, u32 thread, u32 slot)
{
	struct cursor *cursor = bpf_map_lookup_elem(&cursors, &slot);
	struct chunk_record *chunk = bpf_map_lookup_elem(&chunks, &slot);

	if (!cursor || !chunk)
		return 0;
	cursor->wanted = wanted;
	cursor->fill = 0;
	cursor->sent = 0;
	chunk->type = RECORD_CHUNK;
	chunk->thread = thread;
	repeat_while(i, ROUNDS, take_steps(slot));
	send_chunk(cursor, chunk);
	return cursor->sent;
}

/* Sends up to `wanted` bytes of `source` and returns how many are in the ring */
static __always_inline u32 capture(enum slot slot_of_program, const struct source *source,
				   u64 wanted, u32 thread)
{
	u32 slot = slot_of_program;
	struct cursor *cursor = bpf_map_lookup_elem(&cursors, &slot);

	if (!cursor || source->kind == SOURCE_NONE)
		return 0;
	cursor->source = *source;
	return send_contents(wanted, thread, slot);
}

#endif
