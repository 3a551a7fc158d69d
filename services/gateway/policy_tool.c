#include "policy_tool.h"

#include "policy/compile.h"
#include "problem.h"

#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct run {
    struct run *next;
    struct http_request *request;
    const struct policy_tool *tool;
    policy_tool_fn *done;
    void *context;
    struct policy_tools *all;
    char folder[64];
    char *answer; /* malloc: grows */
    size_t size, room;
    int fd, status;
    pid_t pid;
    bool ended, late, over;
    ev_io io;
    ev_child child;
    ev_timer timer;
};

struct policy_tools {
    struct gateway *gateway;
    struct run *waiting, *running;
    unsigned at_once, waiting_count;
    char *program;
};

#define PLACE "/tmp"
#define FOLDER "hearback-policy-" /* and the process it is of */

/* ---- its folder ---- */

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_folder(const char *folder)
{
    if (*folder)
        nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Is it of a gateway of this user that is no more? One with our own number is of an earlier life. */
static bool is_left_over(const char *path, const char *name)
{
    struct stat stat;
    char *end;
    if (strncmp(name, FOLDER, sizeof FOLDER - 1) != 0)
        return false;
    long pid = strtol(name + sizeof FOLDER - 1, &end, 10);
    if (*end != '-' || pid <= 0 || lstat(path, &stat) || !S_ISDIR(stat.st_mode) || stat.st_uid != geteuid())
        return false;
    return pid == getpid() || (kill((pid_t)pid, 0) && errno == ESRCH);
}

static void remove_left_over(void)
{
    char path[400];
    DIR *place = opendir(PLACE);
    for (const struct dirent *entry; place && (entry = readdir(place));)
        if ((size_t)snprintf(path, sizeof path, PLACE "/%s", entry->d_name) < sizeof path &&
            is_left_over(path, entry->d_name))
            remove_folder(path);
    if (place)
        closedir(place);
}

struct policy_tools *policy_tools_open(struct gateway *gateway)
{
    struct policy_tools *all = arena_zero(&gateway->arena, sizeof *all);
    char self[4096];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    self[size > 0 ? size : 0] = 0;
    remove_left_over();
    all->gateway = gateway;
    all->program = arena_printf(&gateway->arena, "%s/hearback", dirname(self));
    return all;
}

/* The folders above the last slash. */
static bool make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made)
            return false;
    }
    return true;
}

bool policy_tool_takes(const char *path)
{
    bool deep = strncmp(path, "old/", 4) == 0 || strncmp(path, "new/", 4) == 0;
    return deep ? policy_is_source(path + 4) : policy_is_file(path);
}

static bool write_file(const struct run *run, const struct policy_file *file)
{
    char path[400];
    size_t size = strlen(file->text);
    if (!policy_tool_takes(file->path) ||
        (size_t)snprintf(path, sizeof path, "%s/%s", run->folder, file->path) >= sizeof path || !make_parents(path))
        return false;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool written = fd >= 0 && write(fd, file->text, size) == (ssize_t)size;
    return (fd < 0 || close(fd) == 0) && written;
}

static bool make_folder(struct run *run)
{
    char first[400];
    snprintf(run->folder, sizeof run->folder, PLACE "/" FOLDER "%d-XXXXXX", (int)getpid());
    if (!mkdtemp(run->folder)) {
        *run->folder = 0;
        return false;
    }
    snprintf(first, sizeof first, "%s/new/", run->folder); /* is looked into, whether anything was brought or not */
    bool good = make_parents(first);
    for (size_t i = 0; i < run->tool->files_count && good; i++)
        good = write_file(run, &run->tool->files[i]);
    return good;
}

/* ---- what it says ---- */

static const Hb__Refusal *refuse_late(struct http_request *request)
{
    return problem_new(request, 422, "took_too_long", "40 秒内没有完成，请减少文件或场景",
                       "it was not done within 40 s: give fewer files or scenarios");
}

static const Hb__Refusal *refuse_failed(struct http_request *request)
{
    return problem_new(request, 503, "service_down", "制度工具暂时无法使用", "the policy tool cannot be used now");
}

/* 0, 1 and 2 say how it went; anything else is no answer. Nothing said with 2: it could not be understood. */
static void tell(struct run *run)
{
    struct http_request *request = run->request;
    json_error_t error;
    bool ended = !run->late && !run->over && WIFEXITED(run->status) && WEXITSTATUS(run->status) <= 2;
    json_t *said = ended ? json_loadb(run->answer ? run->answer : "", run->size, 0, &error) : NULL;
    bool silent = ended && WEXITSTATUS(run->status) == 2 && run->size == 0;
    run->done(request, run->context,
              said || silent ? NULL
              : run->late    ? refuse_late(request)
                             : refuse_failed(request),
              said);
}

/* ---- the process ---- */

static void start_next(struct policy_tools *all);

static void leave(struct run **list, const struct run *run)
{
    while (*list != run)
        list = &(*list)->next;
    *list = run->next;
}

static void finish(struct run *run)
{
    struct policy_tools *all = run->all;
    struct http_request *request = run->request;
    ev_timer_stop(all->gateway->loop, &run->timer);
    remove_folder(run->folder);
    leave(&all->running, run);
    all->at_once--;
    tell(run);
    free(run->answer);
    free(run);
    http_release(request);
    start_next(all);
}

/* False: there is more than it may say. */
static bool make_room(struct run *run)
{
    if (run->size < run->room)
        return true;
    if (run->room >= POLICY_TOOL_ANSWER_BYTES_MAX)
        return false;
    run->room = run->room ? 2 * run->room : 64u << 10;
    run->answer = realloc(run->answer, run->room);
    bug_unless(run->answer);
    return true;
}

static void close_answer(struct run *run)
{
    ev_io_stop(run->all->gateway->loop, &run->io);
    if (run->fd >= 0)
        close(run->fd);
    run->fd = -1;
}

static void on_answer(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct run *run = watcher->data;
    bool room = make_room(run);
    ssize_t size = room ? read(run->fd, run->answer + run->size, run->room - run->size) : 0;
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size > 0) {
        run->size += (size_t)size;
        return;
    }
    if (!room) {
        run->over = true;
        kill(-run->pid, SIGKILL);
    }
    close_answer(run);
    if (run->ended)
        finish(run);
}

static void on_end(struct ev_loop *loop, ev_child *watcher, int events)
{
    (void)events;
    struct run *run = watcher->data;
    ev_child_stop(loop, watcher);
    run->status = watcher->rstatus;
    run->ended = true;
    if (run->late) /* whoever else holds the pipe is not waited for */
        close_answer(run);
    if (run->fd < 0)
        finish(run);
}

static void on_late(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    struct run *run = watcher->data;
    run->late = true;
    if (!run->ended) {
        kill(-run->pid, SIGKILL);
        return;
    }
    close_answer(run);
    finish(run);
}

/* It gets its folder to stand in, a way to answer and our standard error; no other descriptor, and a group of its own.
   Told whose it is, it limits itself before it reads anything (services/cli/limited.c). */
static bool spawn(struct run *run, int answer)
{
    char *arguments[POLICY_TOOL_ARGUMENTS_MAX + 4] = {run->all->program, "--json", "policy"};
    char owner[40];
    char *environment[] = {"HOME=/nonexistent", "TMPDIR=.", owner, NULL}; /* what is left of it goes with the folder */
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    for (size_t i = 0; i < POLICY_TOOL_ARGUMENTS_MAX && run->tool->arguments[i]; i++)
        arguments[3 + i] = (char *)(uintptr_t)run->tool->arguments[i];
    snprintf(owner, sizeof owner, "HEARBACK_LIMITED_BY=%d", (int)getpid());
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, answer, 1);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawn_file_actions_addchdir_np(&actions, run->folder);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    int failed = posix_spawn(&run->pid, run->all->program, &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (failed)
        fprintf(stderr, "{\"level\":\"error\",\"service\":\"gateway\",\"event\":\"policy_tool\",\"why\":\"%s: %s\"}\n",
                run->all->program, strerror(failed));
    return !failed;
}

static bool start(struct run *run)
{
    struct ev_loop *loop = run->all->gateway->loop;
    int ends[2] = {-1, -1};
    bool good = make_folder(run) && pipe2(ends, O_CLOEXEC) == 0 && spawn(run, ends[1]);
    if (ends[1] >= 0)
        close(ends[1]);
    if (!good) {
        if (ends[0] >= 0)
            close(ends[0]);
        remove_folder(run->folder);
        return false;
    }
    run->fd = ends[0];
    fcntl(run->fd, F_SETFL, O_NONBLOCK);
    ev_io_init(&run->io, on_answer, run->fd, EV_READ);
    ev_child_init(&run->child, on_end, run->pid, 0);
    ev_timer_init(&run->timer, on_late, POLICY_TOOL_MS / 1000., 0);
    run->io.data = run->child.data = run->timer.data = run;
    ev_io_start(loop, &run->io);
    ev_child_start(loop, &run->child);
    ev_timer_start(loop, &run->timer);
    return true;
}

static void refuse(struct run *run, const Hb__Refusal *refusal)
{
    struct http_request *request = run->request;
    run->done(request, run->context, refusal, NULL);
    free(run);
    http_release(request);
}

static void begin(struct run *run)
{
    struct policy_tools *all = run->all;
    if (!start(run)) {
        refuse(run, refuse_failed(run->request));
        return;
    }
    run->next = all->running;
    all->running = run;
    all->at_once++;
}

static unsigned count_of(const struct run *list, const char *account)
{
    unsigned count = 0;
    for (; list; list = list->next)
        count += strcmp(list->request->actor->account, account) == 0;
    return count;
}

static const Hb__Refusal *refuse_busy(struct http_request *request)
{
    return problem_new(request, 503, "busy", "正在处理的制度过多，请稍后再试",
                       "too many policies are looked at: come again in a moment");
}

static void drop_gone(struct policy_tools *all)
{
    for (struct run **at = &all->waiting, *run; (run = *at);) {
        if (!http_gone(run->request)) {
            at = &run->next;
            continue;
        }
        *at = run->next;
        all->waiting_count--;
        refuse(run, refuse_busy(run->request)); /* for the log: nobody hears it */
    }
}

/* One of each account at a time, so that nobody is in everybody's way. */
static void start_next(struct policy_tools *all)
{
    drop_gone(all);
    for (struct run **at = &all->waiting, *run; (run = *at) && all->at_once < POLICY_TOOL_AT_ONCE;) {
        if (count_of(all->running, run->request->actor->account)) {
            at = &run->next;
            continue;
        }
        *at = run->next;
        all->waiting_count--;
        begin(run);
    }
}

void policy_tool_run(struct http_request *request, const struct policy_tool *tool, policy_tool_fn *done, void *context)
{
    struct policy_tools *all = request->gateway->policy_tools;
    drop_gone(all);
    if (all->waiting_count == POLICY_TOOL_WAITING_MAX ||
        count_of(all->waiting, request->actor->account) == POLICY_TOOL_WAITING_OF_ACCOUNT_MAX) {
        done(request, context, refuse_busy(request), NULL);
        return;
    }
    struct run *run = calloc(1, sizeof *run);
    bug_unless(run);
    *run = (struct run){.request = request, .tool = tool, .done = done, .context = context, .all = all, .fd = -1};
    http_hold(request);
    struct run **at = &all->waiting;
    while (*at)
        at = &(*at)->next;
    *at = run;
    all->waiting_count++;
    start_next(all);
}

void policy_tools_close(struct policy_tools *all)
{
    for (struct run *run = all->running; run; run = run->next) {
        if (!run->ended) {
            kill(-run->pid, SIGKILL);
            waitpid(run->pid, NULL, 0);
        }
        remove_folder(run->folder);
    }
}
