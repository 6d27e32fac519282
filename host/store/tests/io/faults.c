/* Fails the n-th write to a file of one folder, for the tests of the store: loaded before the C library.
 *
 * FAULT_DIR    the folder, resolved; calls on other files pass
 * FAULT_AT     which call fails, from 1; 0 only counts
 * FAULT_HOW    eio, enospc (and all that follow), short (half of the bytes), torn (half of them, then the end)
 * FAULT_COUNT  a file elsewhere that gets the number of calls at the end
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static int in_folder(const char *path) {
    const char *folder = getenv("FAULT_DIR");
    return folder && strncmp(path, folder, strlen(folder)) == 0;
}

static int is_ours(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return in_folder(path);
}

enum fate { PASS, FAIL, SHORT, TORN };

static enum fate next(void) {
    long at = atol(getenv("FAULT_AT") ? getenv("FAULT_AT") : "0");
    const char *how = getenv("FAULT_HOW") ? getenv("FAULT_HOW") : "eio";
    long call = ++calls;
    int is_full = strcmp(how, "enospc") == 0;
    if (at == 0 || call < at || (call > at && !is_full)) return PASS;
    errno = is_full ? ENOSPC : EIO;
    if (strcmp(how, "short") == 0) return SHORT;
    return strcmp(how, "torn") == 0 ? TORN : FAIL;
}

__attribute__((destructor)) static void tell(void) {
    const char *file = getenv("FAULT_COUNT");
    FILE *out = file ? fopen(file, "w") : NULL;
    if (!out) return;
    fprintf(out, "%ld\n", atomic_load(&calls));
    fclose(out);
}

#define WRITING(name, half, ...) \
    if (is_ours(fd)) { \
        switch (next()) { \
        case FAIL: return -1; \
        case SHORT: if (count > 1) return half; else break; \
        case TORN: half; _exit(9); \
        default: break; \
        } \
    } \
    return real(__VA_ARGS__)

ssize_t write(int fd, const void *bytes, size_t count) {
    REAL(ssize_t, write, int, const void *, size_t);
    WRITING(write, real(fd, bytes, count / 2), fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    WRITING(pwrite, real(fd, bytes, count / 2, at), fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    WRITING(pwrite64, real(fd, bytes, count / 2, at), fd, bytes, count, at);
}

/* Nothing of these can be done by half. */
#define WHOLE(ours, ...) \
    if (ours) { \
        enum fate fate = next(); \
        if (fate == TORN) _exit(9); \
        if (fate != PASS) return -1; \
    } \
    return real(__VA_ARGS__)

int fsync(int fd) {
    REAL(int, fsync, int);
    WHOLE(is_ours(fd), fd);
}

int fdatasync(int fd) {
    REAL(int, fdatasync, int);
    WHOLE(is_ours(fd), fd);
}

int ftruncate(int fd, off_t length) {
    REAL(int, ftruncate, int, off_t);
    WHOLE(is_ours(fd), fd, length);
}

int ftruncate64(int fd, off64_t length) {
    REAL(int, ftruncate64, int, off64_t);
    WHOLE(is_ours(fd), fd, length);
}

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    WHOLE(in_folder(to), from, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    REAL(int, linkat, int, const char *, int, const char *, int);
    WHOLE(in_folder(to), from_folder, from, to_folder, to, flags);
}
