/* Plain reads and writes of pipes, in lock-step: every event is known to the byte. */
#include "pipe_runs.h"
#include <sys/ioctl.h>

static void one(void)
{
	struct tube a = lay("a", 0);
	struct actor *writer = cast("writer"), *reader = cast("reader");

	put(writer, &a, "hello\n");
	get_from(writer, reader, &a, 4096);
}

static void self(void)
{
	struct tube a = lay("a", 0);
	struct actor *both = cast("both");

	put(both, &a, "note to myself");
	get_from(both, both, &a, 100);
}

static void parts(void)
{
	struct tube a = lay("a", 0);
	struct actor *writer = cast("writer"), *reader = cast("reader");

	put(writer, &a, "0123456789");
	get_from(writer, reader, &a, 3);
	get_from(writer, reader, &a, 3);
	get_from(writer, reader, &a, 100);
}

/* Two writes of one process are one run, so one event. */
static void merged(void)
{
	struct tube a = lay("a", 0);
	struct actor *writer = cast("writer"), *reader = cast("reader");

	put(writer, &a, "one ");
	put(writer, &a, "two");
	get_from(writer, reader, &a, 100);
}

static void two_readers(void)
{
	struct tube a = lay("a", 0);
	struct actor *writer = cast("writer"), *ann = cast("ann"), *bob = cast("bob");

	put(writer, &a, "for Ann and Bob");
	get_from(writer, ann, &a, 8);
	get_from(writer, bob, &a, 100);
}

static void two_pipes(void)
{
	struct tube a = lay("a", 0), b = lay("b", 0);
	struct actor *ann = cast("ann"), *bob = cast("bob");

	put(ann, &a, "ping");
	put(bob, &b, "gnip");
	get_from(ann, bob, &a, 100);
	get_from(bob, ann, &b, 100);
}

/* The reader sleeps first, so its call begins before the write does. */
static void blocked_reader(void)
{
	struct tube a = lay("a", 0);
	struct actor *writer = cast("writer"), *reader = cast("reader");

	begin(reader, SYS_read, a.in, P(stage->arena), 100);
	until_blocked(reader->pid, SYS_read);
	put(writer, &a, "wake up");
	check(answer(reader) == 7, "read");
	say_moved("writer", "a", "reader", "wake up", 7, READ);
}

/* The writer sleeps half-way; what it had written by then is read meanwhile. */
static void blocked_writer(void)
{
	enum { SIZE = 100000 };
	struct tube a = lay("a", 0);
	struct actor *writer = cast("writer"), *reader = cast("reader");
	unsigned char *source = stage->arena + ARENA / 2;
	size_t total = 0;

	for (int i = 0; i < SIZE; i++)
		source[i] = i * 7 + i / 256;
	begin(writer, SYS_write, a.out, P(source), SIZE);
	until_blocked(writer->pid, SYS_write);
	while (total < SIZE) {
		size_t n = get(reader, &a, 8192);

		check(memcmp(stage->arena, source + total, n) == 0, "other bytes");
		say_moved("writer", "a", "reader", stage->arena, n, READ);
		total += n;
	}
	check(answer(writer) == SIZE, "write");
}

/* A non-blocking write that only partly fits. */
static void short_write(void)
{
	enum { SIZE = 100000 };
	struct tube a = lay("a", O_NONBLOCK);
	struct actor *writer = cast("writer"), *reader = cast("reader"), *late = cast("late");
	unsigned char *source = stage->arena + ARENA / 2;

	memset(source, 'x', SIZE);
	check(call(writer, SYS_write, a.out, P(source), SIZE) == 65536, "write");
	get_from(writer, reader, &a, 65536);
	put(late, &a, "more");
	get_from(late, reader, &a, 100);
}

static void big_read(void)
{
	struct tube a = lay("a", 0);
	struct actor *writer = cast("writer"), *reader = cast("reader");
	unsigned char *source = stage->arena + ARENA / 2;

	check(fcntl(a.out, F_SETPIPE_SZ, 1 << 20) == 1 << 20, "F_SETPIPE_SZ");
	for (int i = 0; i < 1 << 20; i++)
		source[i] = i ^ i >> 8 ^ i >> 16;
	put_bytes(writer, &a, source, 1 << 20);
	get_from(writer, reader, &a, 1 << 20);
}

/* Nothing moves in any of these, so there is nothing to see but the last transfer. */
static void failed(void)
{
	struct tube a = lay("a", O_NONBLOCK), b = lay("b", 0);
	struct actor *writer = cast("writer"), *reader = cast("reader");
	/* static: an actor sees the script's stack as it was when it was forked */
	static const uint64_t sigpipe = 1UL << (SIGPIPE - 1);

	check(call(writer, SYS_rt_sigprocmask, SIG_BLOCK, P(&sigpipe), 0, 8) == 0, "rt_sigprocmask");
	check(call(reader, SYS_read, a.in, P(stage->arena), 100) == -EAGAIN, "EAGAIN of read");
	check(call(writer, SYS_write, a.out, P("x"), 0) == 0, "write of nothing");
	check(call(reader, SYS_read, a.in, P(stage->arena), 0) == 0, "read of nothing");
	check(call(writer, SYS_write, a.in, P("x"), 1) == -EBADF, "EBADF");
	check(call(reader, SYS_ioctl, a.in, FIONREAD, P(stage->arena)) == 0, "FIONREAD");
	put_bytes(writer, &a, stage->arena + ARENA / 2, 65536);
	check(call(writer, SYS_write, a.out, P("x"), 1) == -EAGAIN, "EAGAIN of write");
	get_from(writer, reader, &a, 65536);
	/* after the full pipe: up to 6.1 it leaves an empty slot in use */
	check(call(writer, SYS_write, a.out, 16, 1) == -EFAULT, "EFAULT");
	close(b.in);
	call(reader, SYS_close, b.in);
	call(writer, SYS_close, b.in);
	check(call(writer, SYS_write, b.out, P("x"), 1) == -EPIPE, "EPIPE");
	close(a.out);
	call(reader, SYS_close, a.out);
	call(writer, SYS_close, a.out);
	check(call(reader, SYS_read, a.in, P(stage->arena), 100) == 0, "end of file");
}

/* One write is one packet; what a short read leaves of it is thrown away. */
static void packets(void)
{
	struct tube a = lay("a", O_DIRECT);
	struct actor *ann = cast("ann"), *bob = cast("bob"), *reader = cast("reader");

	put(ann, &a, "first");
	put(bob, &a, "second");
	put(bob, &a, "third");
	get_from(ann, reader, &a, 65536);
	get_from(bob, reader, &a, 65536);
	get_from(bob, reader, &a, 65536);
	put(ann, &a, "long, and cut");
	put(bob, &a, "next");
	get_from(ann, reader, &a, 4);
	get_from(bob, reader, &a, 100);
}

/* What is in a pipe is moved to another ring of buffers, which are counted from 0 again. */
static void resized(void)
{
	struct tube a = lay("a", 0);
	struct actor *ann = cast("ann"), *bob = cast("bob"), *reader = cast("reader");

	for (int size = 1 << 12; size <= 1 << 18; size <<= 3) {
		for (int i = 0; i < 5; i++) {
			put(ann, &a, "before");
			get_from(ann, reader, &a, 100);
		}
		put(ann, &a, "of Ann");
		check(call(bob, SYS_fcntl, a.out, F_SETPIPE_SZ, size) == size, "F_SETPIPE_SZ");
		put(bob, &a, "of Bob");
		check(get(reader, &a, 100) == 12, "read");
		say_moved("ann", "a", "reader", "of Ann", 6, READ);
		say_moved("bob", "a", "reader", "of Bob", 6, READ);
	}
}

/* Ends that moved: dup'ed, and opened again through /proc. */
static void reopened(void)
{
	struct tube a = lay("a", 0), again = a;
	struct actor *writer, *reader;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", a.out);
	again.out = open(path, O_WRONLY | O_CLOEXEC);
	check(again.out >= 0, path);
	again.in = dup(a.in);
	writer = cast("writer");
	reader = cast("reader");
	put(writer, &again, "by another door");
	get_from(writer, reader, &again, 100);
}

static const struct mode modes[] = {
	{"one", one},
	{"self", self},
	{"parts", parts},
	{"merged", merged},
	{"runs", runs},
	{"cut", cut},
	{"runs64", runs64},
	{"runs300", runs300},
	{"behind", behind},
	{"two_readers", two_readers},
	{"two_pipes", two_pipes},
	{"blocked_reader", blocked_reader},
	{"blocked_writer", blocked_writer},
	{"short_write", short_write},
	{"big_read", big_read},
	{"failed", failed},
	{"packets", packets},
	{"resized", resized},
	{"reopened", reopened},
};

int main(int argc, char **argv)
{
	int status = RUN_MODE(modes, argc, argv);

	if (status == 0)
		exeunt();
	return status;
}
