/* Elasticsearch refuses to join a cluster below 65535 file descriptors, and a machine without
 * CAP_SYS_RESOURCE cannot raise its own limit. Preloaded, this library reports 65535 for a
 * lower RLIMIT_NOFILE and caps attempts to set more than there really is. */
#include <sys/syscall.h>
#include <unistd.h>

enum { NOFILE = 7 };
static const unsigned long REPORTED = 65535UL;

struct limit {
    unsigned long current, maximum;
};

static int kernel(int pid, int resource, const struct limit *wanted, struct limit *old) {
    return (int)syscall(SYS_prlimit64, pid, resource, wanted, old);
}

static int get(int pid, int resource, struct limit *out) {
    int error = kernel(pid, resource, 0, out);
    if (!error && resource == NOFILE) {
        if (out->maximum < REPORTED) out->maximum = REPORTED;
        if (out->current < REPORTED) out->current = REPORTED;
    }
    return error;
}

static int set(int pid, int resource, const struct limit *wanted) {
    struct limit real, capped;
    if (resource != NOFILE) return kernel(pid, resource, wanted, 0);
    if (kernel(pid, resource, 0, &real)) return -1;
    capped = *wanted;
    if (capped.maximum > real.maximum) capped.maximum = real.maximum;
    if (capped.current > capped.maximum) capped.current = capped.maximum;
    return kernel(pid, resource, &capped, 0);
}

int getrlimit(int resource, struct limit *out) { return get(0, resource, out); }
int getrlimit64(int resource, struct limit *out) { return get(0, resource, out); }
int setrlimit(int resource, const struct limit *wanted) { return set(0, resource, wanted); }
int setrlimit64(int resource, const struct limit *wanted) { return set(0, resource, wanted); }

int prlimit(int pid, int resource, const struct limit *wanted, struct limit *old) {
    if (old && get(pid, resource, old)) return -1;
    return wanted ? set(pid, resource, wanted) : 0;
}
int prlimit64(int pid, int resource, const struct limit *wanted, struct limit *old) {
    return prlimit(pid, resource, wanted, old);
}
