/* A child has its parent's memory, and with it the parent's open files and maps: each that lies under the working
   folder is replaced by the same file of the copy. LMDB allows no fork, but this one harms nothing: it knows its
   process by the number it keeps, which the child keeps too; between transactions no lock is held; and nobody else
   opens the copy while the child lives. Nothing that is done here is counted by the shim. */
#include "branch.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES_MAX 256 /* descriptors */
#define LIVES_S 120u  /* a child; who lives longer hangs */
#define COPY "../at"
#define TOLD "../told/"
#define GOES_ON 20u /* branches, after the one a child began at */
#define BROKEN 99   /* what a child ends with that could not be made ready */
#define KINDS 4     /* of shim.c, without the sends */
#define EACH_MAX (1u << 18)

enum role { NONE, PARENT, COUNTS, FAILS };
static enum role role;
static char home[4096];
static void (*shim_arm)(void), (*shim_pause)(void), (*shim_tell)(void);
static int (*shim_counts)(char *text, size_t size);
static int (**shim_asked)(int kind, unsigned long nth);
static bool (*shim_fired)(void);

/* What is to fail, in order, of each kind. */
static struct {
    unsigned long n[EACH_MAX];
    int error[EACH_MAX];
    unsigned count, at;
} each[KINDS];

static void need(bool holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    _exit(BROKEN);
}

static void *of_shim(const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    need(found != NULL, "shim.so is not preloaded");
    return found;
}

void branches_begin(void)
{
    *(void **)&shim_arm = of_shim("shim_arm");
    *(void **)&shim_pause = of_shim("shim_pause");
    *(void **)&shim_tell = of_shim("shim_tell");
    *(void **)&shim_counts = of_shim("shim_counts");
    *(void **)&shim_asked = of_shim("shim_asked");
    *(void **)&shim_fired = of_shim("shim_fired");
    need(getcwd(home, sizeof home) != NULL, "working folder");
    role = PARENT;
}

/* ---- a copy of all files, and the child's own ---- */

static void copy_file(const char *from, const char *to)
{
    struct stat stat = {0};
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    need(in >= 0 && out >= 0 && fstat(in, &stat) == 0, to);
    for (off_t left = stat.st_size; left > 0;) {
        ssize_t done = sendfile(out, in, NULL, (size_t)left);
        need(done > 0, to);
        left -= done;
    }
    close(in);
    close(out);
}

static void copy_folder(const char *from, const char *to)
{
    char inner_from[4096], inner_to[4096];
    DIR *folder = opendir(from);
    need(folder && mkdir(to, 0700) == 0, to);
    for (const struct dirent *entry; folder && (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(inner_from, sizeof inner_from, "%s/%s", from, entry->d_name);
        snprintf(inner_to, sizeof inner_to, "%s/%s", to, entry->d_name);
        (entry->d_type == DT_DIR ? copy_folder : copy_file)(inner_from, inner_to);
    }
    if (folder)
        closedir(folder);
}

/* A path under the working folder as seen from there; NULL: it lies elsewhere. */
static const char *under_home(const char *path)
{
    size_t size = strlen(home);
    return strncmp(path, home, size) == 0 && path[size] == '/' ? path + size + 1 : NULL;
}

static void replace_file(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        return;
    path[size] = 0;
    if (!under_home(path))
        return;
    int opened = open(under_home(path), fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_DSYNC | O_SYNC));
    need(opened >= 0 && lseek(opened, lseek(fd, 0, SEEK_CUR), SEEK_SET) >= 0, path);
    need(dup3(opened, fd, fcntl(fd, F_GETFD) & FD_CLOEXEC ? O_CLOEXEC : 0) == fd, path);
    close(opened);
}

/* A line of /proc/self/maps. */
struct map {
    uintptr_t from, to;
    int protection;
    off_t offset;
    const char *path; /* from the working folder */
};

static void map_again(const struct map *map, int how)
{
    int opened = open(map->path, O_RDWR | O_CLOEXEC);
    void *at = (void *)map->from; /* NOLINT(performance-no-int-to-ptr): it is told as a number */
    need(opened >= 0 && mmap(at, map->to - map->from, map->protection, how | MAP_FIXED, opened, map->offset) == at,
         map->path);
    close(opened);
}

static void replace_map(const struct map *map)
{
    map_again(map, MAP_SHARED);
}

static void keep_locks(const struct map *map)
{
    const char *name = strrchr(map->path, '/');
    if (name && strcmp(name, "/lock.mdb") == 0)
        map_again(map, MAP_PRIVATE);
}

/* Those of files under the working folder. They are read whole before the first is looked at. */
static void each_map(void look(const struct map *map))
{
    static char maps[1 << 20];
    char rights[5], path[4096], *rest = NULL;
    size_t size = 0;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    for (ssize_t got; (got = read(fd, maps + size, sizeof maps - 1 - size)) > 0;)
        size += (size_t)got;
    need(size && size < sizeof maps - 1, "maps");
    close(fd);
    maps[size] = 0;
    for (char *line = strtok_r(maps, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        struct map map = {0};
        char *named = strchr(line, '/');
        if (!named || !under_home(named) ||
            sscanf(line, "%lx-%lx %4s %lx", &map.from, &map.to, rights, (unsigned long *)&map.offset) != 4)
            continue;
        snprintf(path, sizeof path, "%s", under_home(named));
        map.path = path;
        map.protection = (rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0);
        look(&map);
    }
}

/* The child, from here on in the copy. */
static void settle_in(void)
{
    struct rlimit none = {0, 0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &none);
    copy_folder(".", COPY);
    need(chdir(COPY) == 0, COPY);
    for (int fd = 3; fd < FILES_MAX; fd++)
        replace_file(fd);
    each_map(replace_map);
    need(getcwd(home, sizeof home) != NULL, COPY); /* what is replaced lies there now */
    setenv("HEARBACK_FAULT_FIRED", TOLD "fired", 1);
    setenv("HEARBACK_FAULT_COUNTS", TOLD "counts", 1);
}

/* Its last words are for whoever reads them; nobody hears the rest. */
static void speak_alone(void)
{
    int said = open(TOLD "said", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    need(said >= 0 && dup2(said, 2) == 2 && dup2(said, 1) == 1, "said");
    close(said);
    alarm(LIVES_S);
}

/* ---- a grandchild, which changes no file ---- */

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_ARGUMENT(n)                                                                                               \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (n)) /* its low half */
#define IF(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define IF_ANY(bits, skip) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 0, (skip))
#define END BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define NEVER(call) LOAD(nr), IF((call), 1), END

/* The name of an input at hand, as common/service/poison.c writes it. */
#define POISON_BYTES 256

static void change_nothing(void)
{
    static struct sock_filter rules[] = {LOAD(nr),
                                         IF(__NR_write, 3),
                                         LOAD_ARGUMENT(0),
                                         IF(2, 1),
                                         ALLOW, /* what it says */
                                         LOAD(nr),
                                         IF(__NR_writev, 3),
                                         LOAD_ARGUMENT(0),
                                         IF(2, 1),
                                         ALLOW,
                                         LOAD(nr),
                                         IF(__NR_pwrite64, 5),
                                         LOAD_ARGUMENT(2),
                                         IF(POISON_BYTES, 3),
                                         LOAD_ARGUMENT(3),
                                         IF(0, 1),
                                         ALLOW,
                                         LOAD(nr),
                                         IF(__NR_openat, 4),
                                         LOAD_ARGUMENT(2),
                                         IF_ANY(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC, 1),
                                         END,
                                         ALLOW,
                                         LOAD(nr),
                                         IF(__NR_fcntl, 6),
                                         LOAD_ARGUMENT(1),
                                         IF(F_SETLK, 1),
                                         END,
                                         IF(F_SETLKW, 1),
                                         END,
                                         ALLOW,
                                         LOAD(nr),
                                         IF(__NR_futex, 5),
                                         LOAD_ARGUMENT(1),
                                         BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (uint32_t)FUTEX_CMD_MASK),
                                         IF(FUTEX_WAKE, 1),
                                         ALLOW,
                                         END,
                                         NEVER(__NR_write),
                                         NEVER(__NR_writev),
                                         NEVER(__NR_pwrite64),
                                         NEVER(__NR_pwritev),
                                         NEVER(__NR_pwritev2),
                                         NEVER(__NR_ftruncate),
                                         NEVER(__NR_truncate),
                                         NEVER(__NR_fallocate),
                                         NEVER(__NR_renameat),
                                         NEVER(__NR_renameat2),
                                         NEVER(__NR_mkdirat),
                                         NEVER(__NR_unlinkat),
                                         NEVER(__NR_linkat),
                                         NEVER(__NR_symlinkat),
                                         NEVER(__NR_sendfile),
                                         NEVER(__NR_copy_file_range),
                                         NEVER(__NR_clone),
                                         NEVER(__NR_clone3),
                                         NEVER(__NR_execve),
#ifdef __NR_open /* not on every machine */
                                         NEVER(__NR_open),
                                         NEVER(__NR_creat),
                                         NEVER(__NR_rename),
                                         NEVER(__NR_mkdir),
                                         NEVER(__NR_rmdir),
                                         NEVER(__NR_unlink),
                                         NEVER(__NR_link),
                                         NEVER(__NR_symlink),
                                         NEVER(__NR_fork),
                                         NEVER(__NR_vfork),
#endif
                                         ALLOW};
    static const struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
    need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0,
         "seccomp");
}

static void share(void)
{
    role = FAILS;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    *shim_asked = NULL;
    unsetenv("HEARBACK_FAULT_COUNTS");
    each_map(keep_locks);
    speak_alone();
    need(shim_fired(), "fired");
    change_nothing();
}

/* ---- the files that it writes all the same ---- */

#define POISONS_MAX 16
static struct {
    char path[300], content[POISON_BYTES];
} poisons[POISONS_MAX];
static unsigned poisons_count;

static void read_poison(const char *path, char *content)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    memset(content, 0, POISON_BYTES);
    if (fd >= 0 && read(fd, content, POISON_BYTES) >= 0)
        close(fd);
}

static void remember_poisons(void)
{
    DIR *folder = opendir("data");
    poisons_count = 0;
    for (const struct dirent *entry; folder && (entry = readdir(folder));) {
        if (!strchr(entry->d_name, '-'))
            continue;
        need(poisons_count < POISONS_MAX, "poison");
        snprintf(poisons[poisons_count].path, sizeof poisons->path, "data/%s/poison", entry->d_name);
        read_poison(poisons[poisons_count].path, poisons[poisons_count].content);
        poisons_count++;
    }
    if (folder)
        closedir(folder);
}

/* A number that differs where what they hold does. */
static uint64_t poisons_now(void)
{
    char content[POISON_BYTES];
    uint64_t number = 14695981039346656037u;
    for (unsigned i = 0; i < poisons_count; i++) {
        read_poison(poisons[i].path, content);
        for (unsigned at = 0; at < POISON_BYTES; at++)
            number = (number ^ (uint8_t)content[at]) * 1099511628211u;
    }
    return number;
}

static void put_back(void)
{
    char content[POISON_BYTES];
    for (unsigned i = 0; i < poisons_count; i++) {
        read_poison(poisons[i].path, content);
        if (memcmp(content, poisons[i].content, POISON_BYTES) == 0)
            continue;
        int fd = open(poisons[i].path, O_WRONLY | O_CLOEXEC);
        need(fd >= 0 && pwrite(fd, poisons[i].content, POISON_BYTES, 0) == POISON_BYTES, poisons[i].path);
        close(fd);
    }
}

/* ---- what is asked for ---- */

static void answer(const char *word, const char *text)
{
    char line[300];
    int size = snprintf(line, sizeof line, "%s %s\n", word, text);
    need(write(1, line, (size_t)size) == size, "answer");
}

/* False: nobody asks any more. */
static bool next_line(char *line, size_t room)
{
    static char buffer[1 << 16];
    static size_t at, end;
    size_t size = 0;
    for (;;) {
        if (at == end) {
            ssize_t got = read(0, buffer, sizeof buffer);
            if (got <= 0)
                return false;
            at = 0;
            end = (size_t)got;
        }
        char c = buffer[at++];
        if (c == '\n' || size + 1 == room)
            break;
        line[size++] = c;
    }
    line[size] = 0;
    return true;
}

static int ended(pid_t child)
{
    int status = 0;
    need(child > 0 && waitpid(child, &status, 0) == child, "child");
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* Where each file is read next: parent and child have that in common. */
static off_t places[FILES_MAX];

static void remember_places(void)
{
    for (int fd = 3; fd < FILES_MAX; fd++)
        places[fd] = lseek(fd, 0, SEEK_CUR);
}

static void return_to_places(void)
{
    for (int fd = 3; fd < FILES_MAX; fd++)
        if (places[fd] >= 0)
            lseek(fd, places[fd], SEEK_SET);
}

/* Of a child, at each call it makes: an error is for the grandchild alone. */
static int at_call(int kind, unsigned long nth)
{
    char text[200], counts[100];
    if (kind >= KINDS || each[kind].at == each[kind].count || nth != each[kind].n[each[kind].at])
        return 0;
    int error = each[kind].error[each[kind].at++], before = errno;
    shim_pause();
    remember_poisons();
    remember_places();
    pid_t child = fork();
    if (child == 0) {
        share();
        errno = before;
        return error;
    }
    int code = ended(child);
    shim_counts(counts, sizeof counts);
    snprintf(text, sizeof text, "%d %lu %d %016" PRIx64 " %s", kind, nth, code, poisons_now(), counts);
    answer("failed", text);
    need(next_line(text, sizeof text) && strcmp(text, "on") == 0, text);
    put_back();
    return_to_places();
    shim_arm();
    errno = before; /* a call that is made does not change it */
    return 0;
}

static void read_each(void)
{
    char line[100];
    int kind, error;
    unsigned long n;
    memset(each, 0, sizeof each);
    while (next_line(line, sizeof line) && strcmp(line, "go") != 0) {
        need(sscanf(line, "%d %lu %d", &kind, &n, &error) == 3 && kind >= 0 && kind < KINDS &&
                 each[kind].count < EACH_MAX,
             line);
        each[kind].n[each[kind].count] = n;
        each[kind].error[each[kind].count++] = error;
    }
}

/* Of the one call. */
static int fails_kind, fails_with;
static unsigned long fails_at;

static int at_one_call(int kind, unsigned long nth)
{
    if (kind != fails_kind || nth != fails_at)
        return 0;
    need(shim_fired(), "fired");
    return fails_with;
}

/* True: on with the script, as who called or as its child. */
static bool obey(void)
{
    char line[100];
    if (!next_line(line, sizeof line))
        _exit(0);
    if (strcmp(line, "on") == 0)
        return true;
    bool one = sscanf(line, "fail %d %lu %d", &fails_kind, &fails_at, &fails_with) == 3;
    need(one || strcmp(line, "count") == 0 || strcmp(line, "each") == 0, line);
    if (strcmp(line, "each") == 0)
        read_each();
    pid_t child = fork();
    if (child) {
        snprintf(line, sizeof line, "%d", ended(child));
        memset(each, 0, sizeof each);
        answer("ended", line);
        return false;
    }
    role = one ? FAILS : COUNTS;
    settle_in();
    if (one)
        speak_alone();
    *shim_asked = one ? at_one_call : at_call;
    return true;
}

bool branch(void)
{
    static unsigned passed;
    char text[200];
    if (role == COUNTS) {
        shim_tell();
        _exit(0);
    }
    if (role == FAILS)
        return ++passed > GOES_ON;
    if (role != PARENT)
        return false;
    shim_pause();
    shim_counts(text, sizeof text);
    answer("at", text);
    while (!obey())
        ;
    shim_arm();
    return false;
}
