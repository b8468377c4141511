/* Elasticsearch refuses to join a cluster with fewer than 65535 file descriptors, and a machine
 * without CAP_SYS_RESOURCE cannot raise its limit. With LD_PRELOAD this library reports 65535 for
 * a lower RLIMIT_NOFILE and reduces attempts to set more than the real limit. */
#include <sys/syscall.h>
#include <unistd.h>

enum { NOFILE = 7 };
static const unsigned long REPORTED = 65535UL;

struct limit {
    unsigned long current, maximum;
};

static int kernel(int pid, int resource, const struct limit *desired, struct limit *old) {
    return (int)syscall(SYS_prlimit64, pid, resource, desired, old);
}

static int get(int pid, int resource, struct limit *out) {
    int error = kernel(pid, resource, 0, out);
    if (!error && resource == NOFILE) {
        if (out->maximum < REPORTED) out->maximum = REPORTED;
        if (out->current < REPORTED) out->current = REPORTED;
    }
    return error;
}

static int set(int pid, int resource, const struct limit *desired) {
    struct limit real, capped;
    if (resource != NOFILE) return kernel(pid, resource, desired, 0);
    if (kernel(pid, resource, 0, &real)) return -1;
    capped = *desired;
    if (capped.maximum > real.maximum) capped.maximum = real.maximum;
    if (capped.current > capped.maximum) capped.current = capped.maximum;
    return kernel(pid, resource, &capped, 0);
}

int getrlimit(int resource, struct limit *out) { return get(0, resource, out); }
int getrlimit64(int resource, struct limit *out) { return get(0, resource, out); }
int setrlimit(int resource, const struct limit *desired) { return set(0, resource, desired); }
int setrlimit64(int resource, const struct limit *desired) { return set(0, resource, desired); }

int prlimit(int pid, int resource, const struct limit *desired, struct limit *old) {
    if (old && get(pid, resource, old)) return -1;
    return desired ? set(pid, resource, desired) : 0;
}
int prlimit64(int pid, int resource, const struct limit *desired, struct limit *old) {
    return prlimit(pid, resource, desired, old);
}
