/*
 * broken FOLDER: its file system (ext4) answers everything with EIO from now on, as it does when its device fails.
 * What was written before is on the device.
 */
#include "truth.h"
#include <sys/ioctl.h>

/* EXT4_IOC_SHUTDOWN, and the flag that has it written out first */
#define SHUTDOWN _IOR('X', 125, uint32_t)
#define GOING_DEFAULT 0

int main(int argc, char **argv)
{
	uint32_t flags = GOING_DEFAULT;
	int folder;

	check(argc == 2, "usage: broken FOLDER");
	folder = open(argv[1], O_RDONLY | O_DIRECTORY);
	check(folder >= 0, argv[1]);
	check(ioctl(folder, SHUTDOWN, &flags) == 0, "EXT4_IOC_SHUTDOWN");
	return 0;
}
