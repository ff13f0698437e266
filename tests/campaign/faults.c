/* Preloaded into a process, counts its calls that change files, and makes the n-th of them fail: the process is killed
 * before it, amid it or after it, or the call ends in an error. SQLite's calls are met as Python's are; what is written
 * into mapped memory (the index of SQLite's log, which is made again after a crash) is not. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { NOTHING, BEFORE, AMID, AFTER, ONCE, FROM_HERE };

struct plan { /* shared with the process that forked this one */
    atomic_long count; /* calls since it was armed */
    atomic_long met;   /* faults that happened */
    long moment;
    int mode;
    int error;
};
static struct plan *plan;
static _Atomic int armed;

struct plan *faults_plan(void) {
    if (!plan)
        plan = mmap(0, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return plan;
}
void faults_set(long moment, int mode, int error) {
    struct plan *p = faults_plan();
    p->count = 0;
    p->met = 0;
    p->moment = moment;
    p->mode = mode;
    p->error = error;
}
long faults_count(void) { return faults_plan()->count; }
long faults_met(void) { return faults_plan()->met; }
void faults_arm(int on) { armed = on; }

/* What is to happen to the call that comes now. */
static int fate(void) {
    if (!armed || !plan) return NOTHING;
    long now = ++plan->count;
    if (now != plan->moment && !(plan->mode == FROM_HERE && now > plan->moment)) return NOTHING;
    plan->met++;
    if (plan->mode == BEFORE) kill(getpid(), SIGKILL);
    return plan->mode;
}
static int in_file(int fd) {
    struct stat facts;
    return armed && fd > 2 && !fstat(fd, &facts) && (S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode));
}
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define CALL(result, count_it, half, ...)                                                                              \
    int what = (count_it) ? fate() : NOTHING;                                                                          \
    if (what == ONCE || what == FROM_HERE) { errno = plan->error; return -1; }                                         \
    if (what == AMID) { half; kill(getpid(), SIGKILL); }                                                               \
    result made = __VA_ARGS__;                                                                                         \
    if (what == AFTER) kill(getpid(), SIGKILL);                                                                        \
    return made;

ssize_t write(int fd, const void *data, size_t size) {
    CALL(ssize_t, in_file(fd), REAL(write)(fd, data, size / 2), REAL(write)(fd, data, size))
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    CALL(ssize_t, in_file(fd), REAL(pwrite)(fd, data, size / 2, at), REAL(pwrite)(fd, data, size, at))
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    CALL(ssize_t, in_file(fd), REAL(pwrite64)(fd, data, size / 2, at), REAL(pwrite64)(fd, data, size, at))
}
int ftruncate(int fd, off_t size) { CALL(int, in_file(fd), , REAL(ftruncate)(fd, size)) }
int ftruncate64(int fd, off64_t size) { CALL(int, in_file(fd), , REAL(ftruncate64)(fd, size)) }
int fsync(int fd) { CALL(int, in_file(fd), , REAL(fsync)(fd)) }
int fdatasync(int fd) { CALL(int, in_file(fd), , REAL(fdatasync)(fd)) }
int rename(const char *from, const char *to) { CALL(int, 1, , REAL(rename)(from, to)) }
int renameat(int a, const char *from, int b, const char *to) { CALL(int, 1, , REAL(renameat)(a, from, b, to)) }
int unlink(const char *path) { CALL(int, 1, , REAL(unlink)(path)) }
int unlinkat(int fd, const char *path, int flags) { CALL(int, 1, , REAL(unlinkat)(fd, path, flags)) }
int rmdir(const char *path) { CALL(int, 1, , REAL(rmdir)(path)) }
int mkdir(const char *path, mode_t mode) { CALL(int, 1, , REAL(mkdir)(path, mode)) }
int mkdirat(int fd, const char *path, mode_t mode) { CALL(int, 1, , REAL(mkdirat)(fd, path, mode)) }

/* Opened for writing; of a device that takes all nothing is counted. */
static int changes(const char *path, int flags) {
    return flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC) && strncmp(path, "/dev/", 5);
}
#define MODE                                                                                                           \
    mode_t mode = 0;                                                                                                   \
    if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {                                                                               \
        va_list rest;                                                                                                  \
        va_start(rest, flags), mode = va_arg(rest, mode_t), va_end(rest);                                              \
    }
int open(const char *path, int flags, ...) { MODE CALL(int, changes(path, flags), , REAL(open)(path, flags, mode)) }
int open64(const char *path, int flags, ...) { MODE CALL(int, changes(path, flags), , REAL(open64)(path, flags, mode)) }
int openat(int fd, const char *path, int flags, ...) {
    MODE CALL(int, changes(path, flags), , REAL(openat)(fd, path, flags, mode))
}
int openat64(int fd, const char *path, int flags, ...) {
    MODE CALL(int, changes(path, flags), , REAL(openat64)(fd, path, flags, mode))
}
