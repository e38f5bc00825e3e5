/*
 * sleepers N: N threads of two processes sleep in recv, each on an end of its own that both processes have, until
 * everybody is written to. Says who each end's sleeper is when all of them sleep, and waits; all are awake when it
 * waits again.
 */
#include "unix.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/resource.h>

enum { MOST = 4096, STACK = 1 << 16 };

static struct {
	long count;
	_Atomic long awake;
	_Atomic int wrong;
	int ends[MOST][2];
} *all;

/* What a sleeper is told is his own number. */
static void *sleep_on(void *number)
{
	long mine = P(number), told = -1;

	if (recv(all->ends[mine][1], &told, sizeof(told), 0) != sizeof(told) || told != mine)
		atomic_store(&all->wrong, 1);
	atomic_fetch_add(&all->awake, 1);
	return NULL;
}

/* Every second one is ours. */
static long lie_down(long first)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	for (long i = first; i < all->count; i += 2)
		check(pthread_create(&thread, &attributes, sleep_on, (void *)i) == 0, "pthread_create");
	return 0;
}

static long wake_all(long unused)
{
	for (long i = 0; i < all->count; i++)
		check(send(all->ends[i][0], &i, sizeof(i), 0) == sizeof(i), "send");
	return unused;
}

static void until_awake(void)
{
	while (atomic_load(&all->awake) < all->count)
		pause_briefly();
	check(!all->wrong, "somebody was told what is another's");
}

/* Threads of a process that sleep in recv. */
static void until_asleep(pid_t pid, long count)
{
	char path[64], text[32];

	for (long asleep = -1; asleep != count; pause_briefly()) {
		struct dirent *entry;
		DIR *tasks;

		snprintf(path, sizeof(path), "/proc/%d/task", pid);
		tasks = opendir(path);
		check(tasks != NULL, path);
		for (asleep = 0; (entry = readdir(tasks));) {
			char own[sizeof(path) + sizeof(entry->d_name) + 16];
			ssize_t n;
			int fd;

			snprintf(own, sizeof(own), "%s/%s/syscall", path, entry->d_name);
			fd = open(own, O_RDONLY | O_CLOEXEC);
			if (fd < 0)
				continue;
			n = read(fd, text, sizeof(text) - 1);
			close(fd);
			text[n > 0 ? n : 0] = 0;
			asleep += n > 0 && text[0] != 'r' && strtol(text, NULL, 10) == SYS_recvfrom;
		}
		closedir(tasks);
	}
}

int main(int argc, char **argv)
{
	struct rlimit files = {2 * MOST + 64, 2 * MOST + 64};
	struct actor *ann, *bob, *cyd;

	check(argc == 2, "usage: sleepers N");
	all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(all != MAP_FAILED, "mmap");
	all->count = atol(argv[1]);
	check(all->count > 0 && all->count <= MOST, "too many");
	check(setrlimit(RLIMIT_NOFILE, &files) == 0, "RLIMIT_NOFILE");
	for (long i = 0; i < all->count; i++)
		make_pair(all->ends[i], SOCK_STREAM);
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	play(bob, lie_down, 0);
	play(cyd, lie_down, 1);
	until_asleep(bob->pid, (all->count + 1) / 2);
	until_asleep(cyd->pid, all->count / 2);
	for (long i = 0; i < all->count; i++)
		say_letter((struct letter){
			.type = SOCK_STREAM,
			.from = &(struct plug){.who = ann, .inode = inode_of(all->ends[i][0])},
			.to = &(struct plug){.who = i % 2 ? cyd : bob, .inode = inode_of(all->ends[i][1])},
			.bytes = &i,
			.count = sizeof(i)});
	wait_for_test();
	play(ann, wake_all, 0);
	until_awake();
	linger();
	return 0;
}
