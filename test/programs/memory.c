/*
 * memory BYTES: has so many bytes at address 0. For whoever writes to its /proc/PID/mem that is a file of this size,
 * and beyond it the device is broken (EIO). Prints what was written there when its stdin ends.
 */
#include "truth.h"
#include <sys/mman.h>

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) : 4096;
	char *copy, byte;
	int self;

	check(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == NULL,
	      "mmap at address 0");
	write_all(STDOUT_FILENO, "ready\n", 6);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	/* what is at address 0 can't be told from NULL */
	copy = malloc(size);
	self = open("/proc/self/mem", O_RDONLY);
	check(pread(self, copy, size, 0) == (ssize_t)size, "reading it");
	write_all(STDOUT_FILENO, copy, size);
	return 0;
}
