/* cgroup.kill: who writes there kills all in it. */
#pragma once
#include "signal_scene.h"

/* By a call that is no plain write. */
static long kill_all_in(long path)
{
	struct iovec one = {"1", 1};
	int fd = open((const char *)path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	check(pwritev(fd, &one, 1, 0) == 1, "pwritev");
	close(fd);
	return 0;
}

static void put_in_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	check(fd >= 0, path);
	write_all(fd, text, strlen(text));
	close(fd);
}

/* Whoever writes to cgroup.kill sends SIGKILL to each process in there; kernels before 5.14 have no such file. */
static void cgroup(void)
{
	char mount_point[] = "/tmp/ipcdump-cgroup-XXXXXX", folder[64], path[128];
	pid_t pids[3];
	int fd;

	sender = cast("sender");
	check(mkdtemp(mount_point) != NULL, "mkdtemp");
	check(mount("none", mount_point, "cgroup2", 0, NULL) == 0, "mount");
	snprintf(folder, sizeof(folder), "%s/ipcdump-%d", mount_point, getpid());
	check(mkdir(folder, 0700) == 0, folder);
	for (int i = 0; i < 3; i++) {
		char role[16], pid[16];

		snprintf(role, sizeof(role), "victim%d", i);
		pids[i] = fork_victim(role);
		snprintf(pid, sizeof(pid), "%d", pids[i]);
		snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
		put_in_file(path, pid);
		say_sent("sender", role, SIGKILL, "SIGKILL", "");
	}
	snprintf(path, sizeof(path), "%s/cgroup.kill", folder);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		strcpy((char *)stage->arena, path);
		check(play(sender, kill_all_in, P(stage->arena)) == 0, "cgroup.kill");
		close(fd);
	} else {
		check(errno == ENOENT, path);
		for (int i = 0; i < 3; i++)
			check(call(sender, SYS_kill, pids[i], SIGKILL) == 0, "kill");
	}
	for (int i = 0; i < 3; i++)
		check(waitpid(pids[i], NULL, 0) == pids[i], "waitpid");
	/* the last of it may still be on its way out */
	while (rmdir(folder) && errno == EBUSY)
		pause_briefly();
	check(umount(mount_point) == 0 && rmdir(mount_point) == 0, "umount");
}
