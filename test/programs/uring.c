/* io_uring reads and writes of a pipe, by bare system calls: liburing is not everywhere. */
#include "actor.h"
#include <linux/io_uring.h>

/* One request through a ring of its own; the completion's result. */
static int submit(int opcode, int fd, void *buffer, unsigned length)
{
	struct io_uring_params parameters = {0};
	int ring = syscall(SYS_io_uring_setup, 1, &parameters);
	unsigned char *sq, *cq;
	struct io_uring_sqe *entry;
	struct io_uring_cqe *completion;
	unsigned sq_size, cq_size;

	check(ring >= 0, "io_uring_setup");
	sq_size = parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned);
	cq_size = parameters.cq_off.cqes + parameters.cq_entries * sizeof(*completion);
	sq = mmap(NULL, sq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	cq = mmap(NULL, cq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	entry = mmap(NULL, sizeof(*entry), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	check(sq != MAP_FAILED && cq != MAP_FAILED && (void *)entry != MAP_FAILED, "mmap of the ring");

	memset(entry, 0, sizeof(*entry));
	entry->opcode = opcode;
	entry->fd = fd;
	entry->addr = (uintptr_t)buffer;
	entry->len = length;
	*(unsigned *)(sq + parameters.sq_off.array) = 0;
	atomic_store((_Atomic unsigned *)(sq + parameters.sq_off.tail), 1);
	check(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1, "io_uring_enter");
	check(atomic_load((_Atomic unsigned *)(cq + parameters.cq_off.tail)) == 1, "no completion");
	completion = (void *)(cq + parameters.cq_off.cqes);
	close(ring);
	return completion->res;
}

static struct tube a;

static long uring_write(long text)
{
	return submit(IORING_OP_WRITE, a.out, (void *)text, strlen((char *)text));
}

static long uring_read(long size)
{
	return submit(IORING_OP_READ, a.in, stage->arena, size);
}

static void both(void)
{
	struct actor *writer = cast("writer"), *reader = cast("reader");

	check(play(writer, uring_write, "through rings") == 13, "io_uring write");
	check(play(reader, uring_read, 100) == 13, "io_uring read");
	say_moved("writer", "a", "reader", "through rings", 13, URING);
}

static void write_only(void)
{
	struct actor *writer = cast("writer"), *reader = cast("reader");

	check(play(writer, uring_write, "ring to read") == 12, "io_uring write");
	check(get(reader, &a, 100) == 12, "read");
	say_moved("writer", "a", "reader", "ring to read", 12, URING);
}

static void read_only(void)
{
	struct actor *writer = cast("writer"), *reader = cast("reader");

	put(writer, &a, "write to ring");
	check(play(reader, uring_read, 100) == 13, "io_uring read");
	say_moved("writer", "a", "reader", "write to ring", 13, URING);
}

/* The ring's read is there first and completes when the write comes. */
static void waiting(void)
{
	struct actor *writer = cast("writer"), *reader = cast("reader");

	begin(reader, PLAY, P(uring_read), 100);
	until_blocked(reader->pid, SYS_io_uring_enter);
	put(writer, &a, "at last");
	check(answer(reader) == 7, "io_uring read");
	say_moved("writer", "a", "reader", "at last", 7, URING);
}

static const struct mode modes[] = {
	{"both", both},
	{"write", write_only},
	{"read", read_only},
	{"waiting", waiting},
};

int main(int argc, char **argv)
{
	int status;

	a = lay("a", 0);
	status = RUN_MODE(modes, argc, argv);
	if (status == 0)
		exeunt();
	return status;
}
