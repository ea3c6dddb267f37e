// SPDX-License-Identifier: GPL-2.0
/*
 * Prints the id of a fresh eventfd. Ids are handed out lowest first, so the number is the same
 * before and after a run of tests, unless one of them made the kernel leak an eventfd.
 */
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include <string>

int main() {
    int fd = eventfd(0, 0);
    if (fd < 0) {
        perror("eventfd_id: eventfd");
        return 1;
    }
    std::string path = "/proc/self/fdinfo/" + std::to_string(fd);
    FILE* fdinfo = fopen(path.c_str(), "r");
    if (!fdinfo) {
        perror(("eventfd_id: " + path).c_str());
        return 1;
    }
    char line[256];
    int id;
    while (fgets(line, sizeof(line), fdinfo)) {
        if (sscanf(line, "eventfd-id: %d", &id) != 1) continue;
        printf("%d\n", id);
        fclose(fdinfo);
        return 0;
    }
    fprintf(stderr, "eventfd_id: no eventfd-id in %s\n", path.c_str());
    fclose(fdinfo);
    return 1;
}
