#include "inspection.h"

#include "inspection_said.h"
#include "problem.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_BYTES_MORE 512u /* its first line, and what a file may grow by */

struct inspection {
    struct inspection *next;
    struct http_request *request;
    struct bytes file;
    const char *claimed, *extension;
    inspection_fn *done;
    void *context;
    struct inspections *all;
    uint8_t *answer; /* in the request's arena */
    size_t size, room;
    int fd, status;
    pid_t pid;
    bool ended, over;
    ev_io io;
    ev_child child;
    ev_timer timer;
};

struct inspections {
    struct gateway *gateway;
    struct inspection *waiting;
    unsigned at_once, waiting_count;
    char *program;
};

struct inspections *inspections_open(struct gateway *gateway)
{
    struct inspections *all = arena_zero(&gateway->arena, sizeof *all);
    char self[4096];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    self[size > 0 ? size : 0] = 0;
    all->gateway = gateway;
    all->program = arena_printf(&gateway->arena, "%s/hearback-inspect", dirname(self));
    return all;
}

/* ---- what it says ---- */

static const Hb__Refusal *refuse_type(struct http_request *request, const char *found)
{
    Hb__Refusal *refusal = problem_new(
        request, 415, "unsupported_type",
        arena_printf(
            &request->arena,
            "不接受该类文件（%s）；可附图片（JPEG、PNG、WebP、HEIC、GIF）、PDF、文本、CSV、Word、Excel、PowerPoint、"
            "ODT、录音（MP3、M4A、AMR、WAV）、MP4 视频和邮件",
            found),
        arena_printf(
            &request->arena,
            "files of this kind (%s) are not taken; pictures (JPEG, PNG, WebP, HEIC, GIF), PDF, text, CSV, Word, "
            "Excel, PowerPoint, ODT, sound (MP3, M4A, AMR, WAV), MP4 films and mails are",
            found));
    for (size_t i = 0; i < inspection_types_count; i++)
        problem_accepts(request, refusal, inspection_types[i]);
    return refusal;
}

/* NULL: it is taken. */
static const Hb__Refusal *refusal_of(struct http_request *request, enum inspected inspected, const char *found)
{
    switch (inspected) {
    case INSPECTED_TAKEN:
        return NULL;
    case INSPECTED_TYPE:
        return refuse_type(request, found);
    case INSPECTED_DAMAGED:
        return problem_new(request, 422, "damaged_file", "文件不完整或已损坏",
                           "the file is damaged, or not all of it came");
    case INSPECTED_MIXED:
        return problem_new(request, 415, "mixed_file", "文件内含另一类文件",
                           "the file is of two kinds at once: send it as one of them");
    case INSPECTED_HUGE:
        return problem_new(request, 413, "too_large", "图片的像素过多，或文件解开后过大",
                           "the picture has too many pixels, or the file unpacks to too much");
    case INSPECTED_ACTIVE:
        return problem_new(request, 415, "active_file", "文件内含宏，请另存为不含宏的文件",
                           "the file has macros: save it without");
    case INSPECTED_FAILED:
        break;
    }
    return problem_new(request, 503, "inspection_failed", "该文件暂时无法检查", "the file cannot be looked at now");
}

/* A file that ends the process is damaged, and will be the next time. */
static void tell(struct inspection *one)
{
    struct http_request *request = one->request;
    char found[INSPECTION_WORD_CHARACTERS + 1] = "";
    struct bytes content = {0};
    enum inspected inspected = INSPECTED_FAILED;
    if (!one->over && WIFEXITED(one->status) && WEXITSTATUS(one->status) == 0)
        inspected = inspection_said(bytes_of(one->answer, one->size), found, &content);
    else if (!one->over && WIFSIGNALED(one->status))
        inspected = INSPECTED_DAMAGED;
    one->done(request, one->context, refusal_of(request, inspected, found), arena_strdup(&request->arena, found),
              content);
}

/* ---- the process ---- */

static void start_next(struct inspections *all);

static void finish(struct inspection *one)
{
    struct inspections *all = one->all;
    struct http_request *request = one->request;
    ev_timer_stop(all->gateway->loop, &one->timer);
    all->at_once--;
    tell(one);
    free(one);
    http_release(request);
    start_next(all);
}

static void on_answer(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)events;
    struct inspection *one = watcher->data;
    ssize_t size = read(one->fd, one->answer + one->size, one->room - one->size);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size > 0) {
        one->size += (size_t)size;
        if (one->size < one->room)
            return;
        one->over = true; /* more than there can be */
        kill(one->pid, SIGKILL);
    }
    ev_io_stop(loop, &one->io);
    close(one->fd);
    one->fd = -1;
    if (one->ended)
        finish(one);
}

static void on_end(struct ev_loop *loop, ev_child *watcher, int events)
{
    (void)events;
    struct inspection *one = watcher->data;
    ev_child_stop(loop, watcher);
    one->status = watcher->rstatus;
    one->ended = true;
    if (one->fd < 0)
        finish(one);
}

static void on_late(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    struct inspection *one = watcher->data;
    one->over = true;
    kill(one->pid, SIGKILL);
}

static bool write_all(int fd, struct bytes bytes)
{
    for (size_t at = 0; at < bytes.size;) {
        ssize_t size = write(fd, bytes.data + at, bytes.size - at);
        if (size <= 0)
            return false;
        at += (size_t)size;
    }
    return lseek(fd, 0, SEEK_SET) == 0;
}

/* It gets the file, a way to answer and our standard error; no environment, no other descriptor. Spawned, not forked:
   between the two nothing of this process runs that could touch the bus. */
static bool spawn(struct inspection *one, int file, int answer)
{
    char *arguments[] = {one->all->program, (char *)(uintptr_t)one->claimed, (char *)(uintptr_t)one->extension, NULL};
    char *environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, file, 0);
    posix_spawn_file_actions_adddup2(&actions, answer, 1);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int failed = posix_spawn(&one->pid, one->all->program, &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (failed)
        fprintf(stderr, "{\"level\":\"error\",\"service\":\"gateway\",\"event\":\"inspection\",\"why\":\"%s: %s\"}\n",
                one->all->program, strerror(failed));
    return !failed;
}

static bool start(struct inspection *one)
{
    struct ev_loop *loop = one->all->gateway->loop;
    int ends[2] = {-1, -1}, file = memfd_create("file", MFD_CLOEXEC);
    bool good = file >= 0 && write_all(file, one->file) && pipe2(ends, O_CLOEXEC) == 0 && spawn(one, file, ends[1]);
    if (file >= 0)
        close(file);
    if (ends[1] >= 0)
        close(ends[1]);
    if (!good) {
        if (ends[0] >= 0)
            close(ends[0]);
        return false;
    }
    one->fd = ends[0];
    fcntl(one->fd, F_SETFL, O_NONBLOCK);
    one->room = one->file.size + ANSWER_BYTES_MORE;
    one->answer = arena_alloc(&one->request->arena, one->room);
    ev_io_init(&one->io, on_answer, one->fd, EV_READ);
    ev_child_init(&one->child, on_end, one->pid, 0);
    ev_timer_init(&one->timer, on_late, INSPECTION_MS / 1000., 0);
    one->io.data = one->child.data = one->timer.data = one;
    ev_io_start(loop, &one->io);
    ev_child_start(loop, &one->child);
    ev_timer_start(loop, &one->timer);
    return true;
}

static void begin(struct inspection *one)
{
    struct http_request *request = one->request;
    one->all->at_once++;
    if (start(one))
        return;
    one->all->at_once--;
    one->done(request, one->context, refusal_of(request, INSPECTED_FAILED, ""), "", (struct bytes){0});
    free(one);
    http_release(request);
}

static void start_next(struct inspections *all)
{
    while (all->waiting && all->at_once < INSPECTION_AT_ONCE) {
        struct inspection *one = all->waiting;
        all->waiting = one->next;
        all->waiting_count--;
        begin(one);
    }
}

void inspection_ask(struct http_request *request, struct bytes file, const char *claimed, const char *extension,
                    inspection_fn *done, void *context)
{
    struct inspections *all = request->gateway->inspections;
    if (all->waiting_count == INSPECTION_WAITING_MAX) {
        done(
            request, context,
            problem_new(request, 503, "busy", "上传过多，请稍后再试", "too many files at once: come again in a moment"),
            "", (struct bytes){0});
        return;
    }
    struct inspection *one = calloc(1, sizeof *one);
    bug_unless(one);
    *one = (struct inspection){.request = request,
                               .file = file,
                               .claimed = claimed,
                               .extension = extension,
                               .done = done,
                               .context = context,
                               .all = all,
                               .fd = -1};
    http_hold(request);
    struct inspection **at = &all->waiting;
    while (*at)
        at = &(*at)->next;
    *at = one;
    all->waiting_count++;
    start_next(all);
}
