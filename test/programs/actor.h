/*
 * Actors: forked processes that make the system calls the script asks of them, one at a time, in
 * lock-step over shared memory and a futex, which no tracer of pipes and signals sees.
 */
#pragma once
#include "truth.h"
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { IDLE, ASKED, DONE };
enum { ACTORS = 256, ARENA = 1 << 21 };
#define PLAY (-1L) /* instead of a system call's number: run a function */
#define QUIT (-2L)

struct actor {
	char name[16];
	pid_t pid;
	_Atomic uint32_t state;
	long job[7];
	long result; /* as the kernel returns it: -errno */
};

/* Shared by all; the arena is where actors read to, so that the script can look at it. */
static struct stage {
	struct actor actors[ACTORS];
	int count;
	unsigned char arena[ARENA];
} *stage;

static inline void change(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store(word, value);
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static inline void await_value(_Atomic uint32_t *word, uint32_t value)
{
	for (uint32_t seen; (seen = atomic_load(word)) != value;)
		syscall(SYS_futex, word, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static inline long perform(const long *job)
{
	long result;

	if (job[0] == PLAY)
		return ((long (*)(long))job[1])(job[2]);
	result = syscall(job[0], job[1], job[2], job[3], job[4], job[5], job[6]);
	return result < 0 ? -errno : result;
}

static inline void act(struct actor *self)
{
	for (;;) {
		await_value(&self->state, ASKED);
		if (self->job[0] == QUIT)
			_exit(0);
		self->result = perform(self->job);
		change(&self->state, DONE);
	}
}

static inline void set_stage(void)
{
	if (stage)
		return;
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(stage != MAP_FAILED, "mmap");
}

static inline void pause_briefly(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

/* Of all processors the caller, and whom it forks from then on, has this one. */
static inline void stay_on(int processor)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	check(sched_setaffinity(0, sizeof(one), &one) == 0, "sched_setaffinity");
}

/* The caller runs whenever it can, before all that are not like it. */
static inline void run_first(void)
{
	check(sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}) == 0, "SCHED_FIFO");
}

/* Forks with a number of the caller's choice, as soon as nobody has it any more. */
static inline pid_t fork_as(pid_t number)
{
	struct clone_args args = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&number, .set_tid_size = 1};
	pid_t pid;

	while ((pid = syscall(SYS_clone3, &args, sizeof(args))) < 0 && errno == EEXIST)
		pause_briefly();
	return pid;
}

/*
 * Forks an actor of whoever calls this, without a word; it inherits the files that are open by now, or shares all.
 * number: 0, or its process id
 */
static inline struct actor *enter_as(const char *name, int flags, pid_t number)
{
	struct actor *actor;

	set_stage();
	check(stage->count < ACTORS, "too many actors");
	actor = &stage->actors[stage->count++];
	snprintf(actor->name, sizeof(actor->name), "%s", name);
	actor->pid = number ? fork_as(number) : flags ? syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0) : fork();
	check(actor->pid >= 0, "fork");
	if (actor->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, actor->name);
		actor->pid = getpid();
		/* what the test says is for the script alone */
		if (!(flags & CLONE_FILES)) {
			close(STDIN_FILENO);
			check(open("/dev/null", O_RDONLY) == STDIN_FILENO, "/dev/null");
		}
		act(actor);
	}
	/* the first job is none: the name is set when it is done */
	memcpy(actor->job, (long[7]){SYS_getpid}, sizeof(actor->job));
	change(&actor->state, ASKED);
	await_value(&actor->state, DONE);
	return actor;
}

static inline struct actor *enter_by(const char *name, int flags)
{
	return enter_as(name, flags, 0);
}

static inline struct actor *enter(const char *name)
{
	return enter_by(name, 0);
}

/* Forks an actor of the script itself; its name is its comm. */
static inline struct actor *cast(const char *name)
{
	struct actor *actor = enter(name);

	say_role(name, actor->pid, name);
	return actor;
}

static inline void ask(struct actor *actor, const long *job)
{
	memcpy(actor->job, job, sizeof(actor->job));
	change(&actor->state, ASKED);
}

static inline long answer(struct actor *actor)
{
	await_value(&actor->state, DONE);
	return actor->result;
}

#define P(pointer) ((long)(pointer))
/* call: in lock-step. begin, until_blocked, answer: for calls that must block first. */
#define begin(actor, ...) ask(actor, (long[7]){__VA_ARGS__})
#define call(actor, ...) (begin(actor, __VA_ARGS__), answer(actor))
#define play(actor, function, argument) call(actor, PLAY, P(function), (long)(argument))

/* Another name for an actor, who has that role from then on. */
static inline void rename_to(struct actor *actor, const char *name)
{
	snprintf(actor->name, sizeof(actor->name), "%s", name);
	check(call(actor, SYS_prctl, PR_SET_NAME, P(actor->name)) == 0, "prctl");
	say_role(name, actor->pid, name);
}

/* Waits until the process sleeps inside this system call. */
static inline void until_blocked(pid_t pid, long number)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	for (;; pause_briefly()) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n;

		check(fd >= 0, path);
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		text[n > 0 ? n : 0] = 0;
		if (n > 0 && text[0] != 'r' && strtol(text, NULL, 10) == number)
			return;
	}
}

static inline void exeunt(void)
{
	for (int i = 0; i < stage->count; i++) {
		struct actor *actor = &stage->actors[i];

		begin(actor, QUIT);
		waitpid(actor->pid, NULL, 0);
	}
}

/* As exeunt, but everybody stays, and keeps what is open, until the test has seen enough. */
static inline void linger(void)
{
	wait_for_test();
	exeunt();
}

struct tube {
	const char *label;
	int in, out; /* read here, write there */
};

static inline struct tube lay(const char *label, int flags)
{
	struct tube tube = {.label = label};
	int ends[2];

	check(pipe2(ends, flags | O_CLOEXEC) == 0, "pipe2");
	tube.in = ends[0];
	tube.out = ends[1];
	say_pipe(label, tube.in, "<anonymous>");
	return tube;
}

/* Writes all of it or the workload is wrong. */
static inline void put_bytes(struct actor *writer, const struct tube *tube, const void *bytes, size_t count)
{
	check(call(writer, SYS_write, tube->out, P(bytes), count) == (long)count, "short write");
}

static inline void put(struct actor *writer, const struct tube *tube, const char *text)
{
	put_bytes(writer, tube, text, strlen(text));
}

/* Reads up to size bytes to the arena; the count. */
static inline size_t get(struct actor *reader, const struct tube *tube, size_t size)
{
	long n = call(reader, SYS_read, tube->in, P(stage->arena), size);

	check(n > 0, "empty read");
	return n;
}

/* Reads one writer's bytes and says so. */
static inline void get_from(struct actor *writer, struct actor *reader, const struct tube *tube, size_t size)
{
	size_t n = get(reader, tube, size);

	say_moved(writer->name, tube->label, reader->name, stage->arena, n, READ);
}
