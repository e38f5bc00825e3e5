/* capable FILE NUMBER…: gives a program these capabilities, whoever starts it. */
#include "truth.h"
#include <linux/capability.h>
#include <sys/xattr.h>

int main(int argc, char **argv)
{
	struct vfs_cap_data data = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE};

	check(argc > 2, "usage: capable FILE NUMBER...");
	for (int i = 2; i < argc; i++) {
		int number = atoi(argv[i]);

		data.data[number / 32].permitted |= 1u << number % 32;
	}
	check(setxattr(argv[1], "security.capability", &data, sizeof(data), 0) == 0, argv[1]);
	return 0;
}
