/*
 * Who a process is: it writes to itself through a pipe, after it became what its words say, and prints what it is.
 *
 *   who plain ARGS…             just that
 *   who title TEXT ARGS…        after it wrote TEXT over its arguments
 *   who name TEXT ARGS…         after it renamed itself
 *   who user UID ARGS…          as that user
 *   who child ARGS…             by a child that has its memory, and runs nothing
 *   who exec ARGS…              becomes `who plain ARGS…`, having written before that
 *   who memory NAME ARGS…       becomes `who plain ARGS…` of a file in memory
 *   who cgroup FOLDER ARGS…     after it moved there
 *   who many N PATH             starts N processes, one after the other, of PATH and a number, that live for a moment
 *   who once ARGS…              a signal to itself, and it is gone
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* An event that is this process's alone */
static void speak(void)
{
	signal(SIGUSR2, SIG_IGN);
	if (kill(getpid(), SIGUSR2))
		die("kill");
}

static void say(void)
{
	speak();
	printf("%d\n", getpid());
	fflush(stdout);
}

static void enter(const char *folder)
{
	char path[4200], pid[16];
	int fd, length;

	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	fd = open(path, O_WRONLY);
	length = snprintf(pid, sizeof(pid), "%d", getpid());
	if (fd < 0 || write(fd, pid, length) != length)
		die(path);
	close(fd);
}

/* The program that this one is, in a file of no folder */
static int copied(const char *name)
{
	int from = open("/proc/self/exe", O_RDONLY), to = memfd_create(name, 0);

	if (from < 0 || to < 0 || sendfile(to, from, NULL, 1 << 30) <= 0)
		die(name);
	close(from);
	return to;
}

static void many(int count, char *path)
{
	for (int i = 0; i < count; i++) {
		char number[16];
		pid_t pid;

		snprintf(number, sizeof(number), "%d", i);
		pid = fork();
		if (pid == 0) {
			execl(path, "who", "once", number, (char *)NULL);
			_exit(1);
		}
		if (waitpid(pid, NULL, 0) != pid)
			die("waitpid");
	}
}

int main(int count, char **words)
{
	const char *how = count > 1 ? words[1] : "";

	if (!strcmp(how, "once")) {
		speak();
		return 0;
	}
	if (!strcmp(how, "many")) {
		many(atoi(words[2]), words[3]);
		return 0;
	}
	if (!strcmp(how, "title")) {
		size_t room = words[count - 1] + strlen(words[count - 1]) - words[0];
		char *text = strdup(words[2]);

		speak();
		memset(words[0], 0, room);
		memcpy(words[0], text, strlen(text) < room ? strlen(text) : room - 1);
		printf("%d\n", getpid());
		fflush(stdout);
		while (getchar() != EOF)
			speak();
		return 0;
	}
	if (!strcmp(how, "name"))
		prctl(PR_SET_NAME, words[2]);
	else if (!strcmp(how, "user") && (setgid(atoi(words[2])) || setuid(atoi(words[2]))))
		die("setuid");
	else if (!strcmp(how, "cgroup"))
		enter(words[2]);
	else if (!strcmp(how, "exec") || !strcmp(how, "memory")) {
		int first = !strcmp(how, "exec") ? 2 : 3;
		char *changed[64] = {words[0], "plain"};

		speak();
		for (int i = first; i < count && i < 65; i++)
			changed[i - first + 2] = words[i];
		if (first == 2)
			execv("/proc/self/exe", changed);
		else
			fexecve(copied(words[2]), changed, environ);
		die("exec");
	} else if (!strcmp(how, "child")) {
		pid_t pid = fork();

		if (pid == 0)
			say();
		else
			waitpid(pid, NULL, 0);
		return 0;
	}
	say();
	return 0;
}
