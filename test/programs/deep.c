/* deep FOLDER DEPTH NAME: a process writes to another one by a FIFO, so many folders of that name below a folder. */
#include "truth.h"
#include <sys/stat.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
	char name[32], byte;
	pid_t reader;
	int fd;

	check(argc == 4, "usage: deep FOLDER DEPTH NAME");
	check(chdir(argv[1]) == 0, argv[1]);
	for (int i = 0; i < atoi(argv[2]); i++) {
		check(mkdir(argv[3], 0700) == 0 || errno == EEXIST, "mkdir");
		check(chdir(argv[3]) == 0, "chdir");
	}
	snprintf(name, sizeof(name), "fifo-%s", argv[2]);
	check(mkfifo(name, 0600) == 0, "mkfifo");
	fd = open(name, O_RDWR);
	check(fd >= 0, name);
	reader = fork();
	check(reader >= 0, "fork");
	if (reader == 0)
		_exit(read(fd, &byte, 1) != 1);
	check(write(fd, "x", 1) == 1, "write");
	check(waitpid(reader, NULL, 0) == reader, "waitpid");
	return 0;
}
