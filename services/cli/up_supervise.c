/* The supervisor: no bus, no store, one loop over signals. A process that ends is started again, at once the first
   time, then with growing pauses; nothing in memory is truth, so a restart is always safe. */
#include "config/config.h"
#include "up.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHILDREN_MAX 64u
#define PAUSE_FIRST_MS 100
#define PAUSE_MOST_MS 10000
#define STEADY_MS 3000 /* whoever ran this long starts afresh with the pauses */
#define STOP_MS 10000  /* then SIGKILL */
#define REFUSED 2      /* exit code of a service that will not start: its state or configuration is not right */

extern char **environ;

struct child {
    const Config__Instance *instance;
    char name[32];
    pid_t pid; /* 0: not running */
    int64_t started_ms, due_ms, pause_ms;
};

struct supervisor {
    struct cli *cli;
    const struct up_options *options;
    struct child children[CHILDREN_MAX];
    unsigned count;
    const struct up_task *tasks;
    size_t tasks_count, task;
    pid_t task_pid;
    bool stopping;
    int code;
    sigset_t signals;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* In a process group of its own, so that Ctrl-C reaches the supervisor alone, which then stops them in order; with the
   signals the supervisor blocks open again. */
static pid_t spawn(const char *program, const char *const *arguments, const char *output, const char *errors)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    pid_t pid = 0;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (output)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (errors) {
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, O_WRONLY | O_CREAT | O_APPEND, 0600);
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    }
    int failed = posix_spawn(&pid, program, &actions, &attributes, (char *const *)(uintptr_t)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (failed)
        cli_fail("%s cannot be started: %s", program, strerror(failed));
    return failed ? 0 : pid;
}

static void start(struct supervisor *up, struct child *child)
{
    struct arena *arena = &up->cli->arena;
    struct arena_mark mark = arena_mark(arena);
    const char *program =
        arena_printf(arena, "%s/hearback-%s", up->cli->programs, config_service_name(child->instance->service));
    const char *partition = arena_printf(arena, "%" PRIu32, child->instance->partition);
    const char *arguments[] = {program, "--config", cli_path(up->cli, "hearback.yaml"), "--partition", partition, NULL};
    child->pid = spawn(program, arguments, NULL, arena_printf(arena, "%s/log/%s.log", up->cli->folder, child->name));
    child->started_ms = now_ms();
    child->due_ms = child->started_ms + PAUSE_MOST_MS; /* should it not even have been started */
    arena_return(arena, mark);
}

/* ---- tasks ---- */

/* The last line is read by programs: it stays as it is. */
static void say_ready(const struct supervisor *up)
{
    const Config__Http *http = up->cli->config->http;
    char *here = arena_printf(&up->cli->arena, "http://%s:%u", http->address, http->port);
    const char *public_url = *http->public_url ? http->public_url : here;
    printf("门户 portal  %s/\n接口 API     %s/api/v1/  (%s/api/v1/openapi.json)\n数据 state   %s\nready %s\n",
           public_url, here, here, up->cli->folder, here);
    fflush(stdout);
}

static void next_task(struct supervisor *up)
{
    const char *arguments[20] = {"hearback", "--data", up->cli->folder};
    if (up->task == up->tasks_count) {
        up->stopping = up->options->once;
        if (!up->options->once)
            say_ready(up);
        return;
    }
    const struct up_task *task = &up->tasks[up->task];
    for (size_t i = 0; task->arguments[i]; i++)
        arguments[3 + i] = task->arguments[i];
    up->task_pid =
        spawn(arena_printf(&up->cli->arena, "%s/hearback", up->cli->programs), arguments, task->output, NULL);
    up->stopping = up->stopping || !up->task_pid;
}

static void task_ended(struct supervisor *up, int status)
{
    up->task_pid = 0;
    if (up->stopping)
        return;
    /* Rows that differ were told by the import, and are listed: the system goes on with what is registered. */
    if (WIFEXITED(status) && (WEXITSTATUS(status) == CLI_GOOD || WEXITSTATUS(status) == CLI_DIFFERS)) {
        up->task++;
        next_task(up);
        return;
    }
    up->code = CLI_FAILED;
    up->stopping = true;
    cli_fail("`hearback %s` did not succeed; the system stops", up->tasks[up->task].arguments[0]);
}

/* ---- children ---- */

static void say_last_line(struct supervisor *up, const struct child *child)
{
    struct bytes log;
    struct arena_mark mark = arena_mark(&up->cli->arena);
    if (cli_read(up->cli, arena_printf(&up->cli->arena, "%s/log/%s.log", up->cli->folder, child->name), &log) &&
        log.size) {
        size_t from = log.size - 1;
        while (from > 0 && log.data[from - 1] != '\n')
            from--;
        fprintf(stderr, "  %.*s", (int)(log.size - from), (const char *)log.data + from);
    }
    arena_return(&up->cli->arena, mark);
}

static void child_ended(struct supervisor *up, struct child *child, int status)
{
    int64_t now = now_ms();
    child->pid = 0;
    if (up->stopping)
        return;
    bool refused = WIFEXITED(status) && WEXITSTATUS(status) == REFUSED;
    if (now - child->started_ms >= STEADY_MS)
        child->pause_ms = 0;
    child->due_ms = now + child->pause_ms;
    child->pause_ms = child->pause_ms ? child->pause_ms * 2 : PAUSE_FIRST_MS;
    if (refused || child->pause_ms > PAUSE_MOST_MS)
        child->pause_ms = PAUSE_MOST_MS;
    cli_fail("%s ended (%s %d); it is started again%s", child->name, WIFSIGNALED(status) ? "signal" : "exit code",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
             refused ? ", but will not run until this is mended:" : "");
    if (WIFEXITED(status) && WEXITSTATUS(status))
        say_last_line(up, child);
    if (refused && up->task == 0) { /* it never ran: better stop than wait */
        up->stopping = true;
        up->code = CLI_FAILED;
    }
}

static void reap(struct supervisor *up)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == up->task_pid)
            task_ended(up, status);
        for (unsigned i = 0; i < up->count; i++)
            if (up->children[i].pid == pid)
                child_ended(up, &up->children[i], status);
    }
}

static int64_t start_due(struct supervisor *up)
{
    int64_t now = now_ms(), wait = 60000;
    for (unsigned i = 0; i < up->count; i++) {
        struct child *child = &up->children[i];
        if (child->pid)
            continue;
        if (child->due_ms <= now)
            start(up, child);
        else if (child->due_ms - now < wait)
            wait = child->due_ms - now;
    }
    return wait;
}

/* Waits for a signal; SIGINT, SIGTERM and SIGHUP end it all. */
static void await(struct supervisor *up, int64_t wait_ms)
{
    struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000};
    int signal = sigtimedwait(&up->signals, NULL, &wait);
    if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP) {
        if (up->task_pid && !up->stopping) /* what it was started for is not done */
            up->code = cli_fail("interrupted during `hearback %s`", up->tasks[up->task].arguments[0]);
        up->stopping = true;
    }
    reap(up);
}

static unsigned signal_all(struct supervisor *up, int signal)
{
    unsigned running = 0;
    if (up->task_pid && ++running)
        kill(up->task_pid, signal);
    for (unsigned i = 0; i < up->count; i++)
        if (up->children[i].pid && ++running)
            kill(up->children[i].pid, signal);
    return running;
}

static void stop_all(struct supervisor *up)
{
    int64_t until = now_ms() + STOP_MS;
    unsigned running = signal_all(up, SIGTERM);
    while (running && now_ms() < until) {
        await(up, 100);
        running = signal_all(up, 0);
    }
    if (running && signal_all(up, SIGKILL))
        while (signal_all(up, 0))
            await(up, 100);
}

static void children_of(struct supervisor *up)
{
    const Config__Config *config = up->cli->config;
    for (size_t i = 0; i < config->n_instances && up->count < CHILDREN_MAX; i++) {
        struct child *child = &up->children[up->count++];
        child->instance = config->instances[i];
        snprintf(child->name, sizeof child->name, "%s-%" PRIu32, config_service_name(child->instance->service),
                 child->instance->partition);
    }
}

int up_supervise(struct cli *cli, const struct up_options *options, const struct up_task *tasks, size_t tasks_count)
{
    static struct supervisor up;
    char parent[16];
    up = (struct supervisor){.cli = cli, .options = options, .tasks = tasks, .tasks_count = tasks_count};
    sigemptyset(&up.signals);
    sigaddset(&up.signals, SIGCHLD);
    sigaddset(&up.signals, SIGINT);
    sigaddset(&up.signals, SIGTERM);
    sigaddset(&up.signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &up.signals, NULL);
    snprintf(parent, sizeof parent, "%d", (int)getpid());
    setenv("HEARBACK_SUPERVISOR", parent, 1); /* who is left alone by us ends too */
    children_of(&up);
    start_due(&up);
    next_task(&up);
    while (!up.stopping)
        await(&up, start_due(&up));
    stop_all(&up);
    return up.code;
}
