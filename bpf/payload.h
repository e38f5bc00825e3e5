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

enum user_iov_kind {
	IOV_NONE, /* kernel pages: not readable from here */
	IOV_BUFFER,
	IOV_KERNEL_SEGMENTS, /* struct iovec[], already copied in by the kernel */
	IOV_USER_SEGMENTS,
	IOV_COMPAT_SEGMENTS, /* a 32-bit program's */
	IOV_MESSAGE,	     /* of a queue: pieces that the kernel has, each naming the next */
};

/* Where a system call's bytes are, before the kernel moves its iterator over them */
struct user_iov {
	u64 base;
	u64 length;
	u64 segments;
	u64 skip; /* bytes of the first segment that are not ours */
	u32 segment_count;
	u32 kind;
};

#define PAGE_BYTES 4096
#define SEGMENTS 1024 /* of an iterator at most (UIO_MAXIOV) */
#define PIECE 16256
/* steps a round, and rounds: two loops of 64 are verified in the time of one of 128 */
#define STEPS 64
#define ROUNDS 64

struct cursor {
	struct user_iov iov;
	u64 wanted;
	u32 fill; /* bytes in the chunk */
	u32 sent; /* bytes in chunks that are in the ring */
};

/*
 * One for each program that captures, those for pipes, for calls and for requests: on preemptible kernels
 * another task's may come in between, but a program does not interrupt itself on its CPU.
 */
enum scratch { SCRATCH_PIPE, SCRATCH_CALL, SCRATCH_REQUEST, SCRATCH_QUEUE, SCRATCHES };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, u32);
	__type(value, struct cursor);
} cursors __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES); /* user space makes it 1 when no contents are wanted */
	__type(key, u32);
	__type(value, struct chunk_record);
} chunks __weak SEC(".maps");

static __always_inline void iov_of_iter(struct user_iov *iov, struct iov_iter *iter)
{
	u32 kind = iter_kind(iter);
	u64 skip = BPF_CORE_READ(iter, iov_offset);

	if (iter_is_ubuf(kind)) {
		iov->kind = IOV_BUFFER;
		iov->base = (u64)BPF_CORE_READ(iter, ubuf) + skip;
		iov->length = BPF_CORE_READ(iter, count);
	} else if (iter_is_iovec(kind)) {
		iov->kind = IOV_KERNEL_SEGMENTS;
		iov->segments = (u64)iter_segments(iter);
		iov->segment_count = BPF_CORE_READ(iter, nr_segs);
		iov->skip = skip;
	}
}

/* A segment back, by what is left of `passed`; false: that was all */
static __always_inline bool previous_segment(struct user_iov *iov, u64 *passed)
{
	if (*passed <= iov->skip) {
		iov->skip -= *passed;
		return false;
	}
	*passed -= iov->skip;
	iov->segments -= sizeof(u64[2]);
	iov->segment_count++;
	iov->skip = 0;
	bpf_probe_read_kernel(&iov->skip, sizeof(iov->skip), (void *)(iov->segments + sizeof(u64)));
	return true;
}

/* Where the bytes are of which an iterator has passed so many by now */
static __always_inline void iov_of_passed(struct user_iov *iov, struct iov_iter *iter, u64 passed)
{
	iov_of_iter(iov, iter);
	if (iov->kind == IOV_BUFFER) {
		iov->base -= passed;
		iov->length += passed;
	} else if (iov->kind == IOV_KERNEL_SEGMENTS) {
		repeat_while(i, SEGMENTS, previous_segment(iov, &passed));
	}
}

static __always_inline bool next_segment(struct user_iov *iov)
{
	u64 pair[2] = {};
	u32 compat[2];
	long failed;

	if (!iov->segment_count)
		return false;
	if (iov->kind == IOV_MESSAGE) {
		struct msg_msgseg *segment = (void *)iov->segments;

		if (!segment)
			return false;
		iov->base = iov->segments + sizeof(*segment);
		iov->length = PAGE_BYTES - sizeof(*segment);
		iov->segments = (u64)BPF_CORE_READ(segment, next);
		return true;
	}
	if (iov->kind == IOV_COMPAT_SEGMENTS) {
		failed = bpf_probe_read_user(compat, sizeof(compat), (void *)iov->segments);
		pair[0] = compat[0];
		pair[1] = compat[1];
		iov->segments += sizeof(compat);
	} else if (iov->kind == IOV_USER_SEGMENTS) {
		failed = bpf_probe_read_user(pair, sizeof(pair), (void *)iov->segments);
		iov->segments += sizeof(pair);
	} else {
		failed = bpf_probe_read_kernel(pair, sizeof(pair), (void *)iov->segments);
		iov->segments += sizeof(pair);
	}
	if (failed || iov->skip > pair[1])
		return false;
	iov->segment_count--;
	iov->base = pair[0] + iov->skip;
	iov->length = pair[1] - iov->skip;
	iov->skip = 0;
	return true;
}

/*
 * A burst of contents fills the ring while the reader waits for a processor: its last eighth is left to events, which
 * are small, can't be cut and are lost when they do not fit.
 */
static __always_inline bool ring_has_room_for(u64 contents)
{
	u64 size = bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE);

	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) + contents <= size - size / 8;
}

/* Sends what the chunk holds; false: there is no room for it in the ring */
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
	if (size > sizeof(*chunk) || !ring_has_room_for(size) ||
	    bpf_ringbuf_output(&ring, chunk, size, BPF_RB_NO_WAKEUP))
		return false;
	cursor->sent += cursor->fill;
	cursor->fill = 0;
	return true;
}

/*
 * Copies or sends a piece; 0: nothing left to do. A global function is verified once; inlined into
 * the loop its branches would pile up until the verifier gives up ("8193 jumps").
 */
__weak __noinline int step(u32 scratch)
{
	struct cursor *cursor = bpf_map_lookup_elem(&cursors, &scratch);
	struct chunk_record *chunk = bpf_map_lookup_elem(&chunks, &scratch);
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
	if (!cursor->iov.length && !next_segment(&cursor->iov))
		return false;
	if (n > cursor->iov.length)
		n = cursor->iov.length;
	if (n > PIECE)
		n = PIECE;
	barrier_var(n);
	if (n > PIECE)
		return false;
	barrier_var(fill);
	if (cursor->iov.kind == IOV_MESSAGE ? bpf_probe_read_kernel(chunk->data + (fill & 0x3fff),
								    n, (void *)cursor->iov.base)
					    : bpf_probe_read_user(chunk->data + (fill & 0x3fff), n,
								  (void *)cursor->iov.base))
		return false;
	cursor->fill = fill + n;
	cursor->iov.base += n;
	cursor->iov.length -= n;
	cursor->wanted -= n;
	return true;
}

/* 0: nothing left to do */
__weak __noinline int take_steps(u32 scratch)
{
	bool more = true;

	repeat_while(i, STEPS, (more = step(scratch)));
	return more;
}

/* Sends up to `wanted` bytes of the cursor's iov; how many are in the ring */
__weak __noinline int send_contents(u64 wanted, u32 thread, u32 scratch)
{
	struct cursor *cursor = bpf_map_lookup_elem(&cursors, &scratch);
	struct chunk_record *chunk = bpf_map_lookup_elem(&chunks, &scratch);

	if (!cursor || !chunk)
		return 0;
	cursor->wanted = wanted;
	cursor->fill = 0;
	cursor->sent = 0;
	chunk->type = RECORD_CHUNK;
	chunk->thread = thread;
	repeat_while(i, ROUNDS, take_steps(scratch));
	send_chunk(cursor, chunk);
	return cursor->sent;
}

/* Sends up to `wanted` bytes of `iov` and returns how many are in the ring */
static __always_inline u32 capture(enum scratch scratch_of_program, const struct user_iov *iov,
				   u64 wanted, u32 thread)
{
	u32 scratch = scratch_of_program;
	struct cursor *cursor = bpf_map_lookup_elem(&cursors, &scratch);

	if (!cursor || iov->kind == IOV_NONE)
		return 0;
	cursor->iov = *iov;
	return send_contents(wanted, thread, scratch);
}

#endif
