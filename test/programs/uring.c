/* io_uring reads and writes of a pipe. */
#include "ring.h"

static int submit(int opcode, int fd, void *buffer, unsigned length)
{
	return complete_request(&(struct io_uring_sqe){
		.opcode = opcode,
		.fd = fd,
		.addr = (uintptr_t)buffer,
		.len = length,
	});
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

/* As many bytes as were there before are taken by one ring and put in by another. */
static void exchange_written(void)
{
	struct actor *taker = cast("taker"), *ringer = cast("ringer");

	check(play(taker, uring_read, 100) == 7, "io_uring read");
	say_moved("writer", "a", "taker", "of them", 7, URING);
	check(play(ringer, uring_write, "instead") == 7, "io_uring write");
}

static void exchange(void)
{
	put(cast("writer"), &a, "of them");
	exchange_written();
}

static void instead(void)
{
	exchange();
	check(get(cast("reader"), &a, 100) == 7, "read");
	say_moved("ringer", "a", "reader", "instead", 7, URING);
}

/* The next call at the pipe is another writer's. */
static void later(void)
{
	exchange();
	put(cast("late"), &a, "more");
	check(get(cast("reader"), &a, 100) == 11, "read");
	say_moved("ringer", "a", "reader", "instead", 7, URING);
	say_moved("late", "a", "reader", "more", 4, URING);
}

/* It moves nothing. */
static void idle(void)
{
	struct actor *late = cast("late");

	exchange();
	check(call(late, SYS_write, a.out, P("x"), 0) == 0, "write of nothing");
	check(get(cast("reader"), &a, 100) == 7, "read");
	say_moved("ringer", "a", "reader", "instead", 7, URING);
}

/* It was under way before, and waits for something to write. */
static void under_way(void)
{
	struct tube b = lay("b", 0);
	struct actor *writer = cast("writer"), *late = cast("late"), *giver = cast("giver");

	put(writer, &a, "of them");
	begin(late, SYS_splice, b.in, 0, a.out, 0, 100, 0);
	until_blocked(late->pid, SYS_splice);
	exchange_written();
	check(get(cast("reader"), &a, 100) == 7, "read");
	say_moved("ringer", "a", "reader", "instead", 7, URING);
	put(giver, &b, "more");
	check(answer(late) == 4, "splice");
	say_moved("giver", "b", "late", "more", 4, SPLICED);
	check(get(cast("last"), &a, 100) == 4, "read");
	say_moved("late", "a", "last", "more", 4, READ);
}

static const struct mode modes[] = {
	{"both", both},
	{"write", write_only},
	{"read", read_only},
	{"waiting", waiting},
	{"instead", instead},
	{"later", later},
	{"idle", idle},
	{"under_way", under_way},
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
