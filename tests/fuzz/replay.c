/* The main of a fuzz target where there is no libFuzzer: runs every file of the corpus, then mutations of them drawn
   from a seed, so that the same command does the same on any machine. An input that aborts or hangs is left behind in
   crash-<target>; give that file as the argument to see it again.

   usage: fuzz_TARGET [--runs N] [--seed S] [--dictionary FILE] FILE-OR-FOLDER... */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_BYTES_MAX (64u << 10)
#define LARGE_BYTES (8u << 10)
#define HANG_S 60u /* generous: sanitizers, and a machine shared with others */

struct inputs {
    struct bytes *list;
    size_t count, room;
};

static struct inputs corpus, words;
static char crash_path[256], again[2600]; /* where it is kept; how to see it again */
static volatile sig_atomic_t running;
static struct bytes at_hand;

/* What we do not want to lose is written before the process goes. Sanitizers abort too (options below). */
static void on_death(int signal_number)
{
    static const char hang[] = "the target hangs\n", kept[] = "the input is kept in ";
    if (running) {
        int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        bool good = fd >= 0 && write(fd, at_hand.data, at_hand.size) == (ssize_t)at_hand.size;
        if (signal_number == SIGALRM)
            good = write(2, hang, sizeof hang - 1) > 0 && good;
        if (good && write(2, kept, sizeof kept - 1) > 0)
            (void)!write(2, again, strlen(again)); /* nobody is left to be told */
    }
    signal(signal_number == SIGALRM ? SIGABRT : signal_number, SIG_DFL);
    raise(signal_number == SIGALRM ? SIGABRT : signal_number);
}

/* The runtimes of the sanitizers look for functions of these very names.
   NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_stack_use_after_return=1";
}
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
    return "abort_on_error=1:print_stacktrace=1";
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static void add(struct inputs *inputs, const void *data, size_t size)
{
    if (inputs->count == inputs->room) {
        inputs->room = inputs->room ? inputs->room * 2 : 64;
        inputs->list = realloc(inputs->list, inputs->room * sizeof *inputs->list);
        must(inputs->list);
    }
    uint8_t *copy = malloc(size ? size : 1);
    must(copy);
    if (size)
        memcpy(copy, data, size);
    inputs->list[inputs->count++] = bytes_of(copy, size);
}

static void free_inputs(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++)
        free((void *)(uintptr_t)inputs->list[i].data);
    free(inputs->list);
}

/* An exact copy on the heap, so that a read one byte too far is seen. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    must(exact);
    if (size)
        memcpy(exact, data, size);
    at_hand = bytes_of(exact, size);
    running = 1;
    alarm(HANG_S);
    LLVMFuzzerTestOneInput(exact, size);
    running = 0;
    free(exact);
}

/* ---- reading ---- */

static void read_one(const char *path)
{
    static uint8_t buffer[INPUT_BYTES_MAX];
    FILE *file = fopen(path, "rbe");
    if (!file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(2);
    }
    size_t size = fread(buffer, 1, sizeof buffer, file);
    fclose(file);
    add(&corpus, buffer, size);
}

static int plain(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void read_path(const char *path)
{
    struct stat about;
    struct dirent **names;
    if (stat(path, &about) || !S_ISDIR(about.st_mode)) {
        read_one(path);
        return;
    }
    int count = scandir(path, &names, plain, alphasort); /* the same order on any machine */
    for (int i = 0; i < count; i++) {
        char inner[4096];
        snprintf(inner, sizeof inner, "%s/%s", path, names[i]->d_name);
        read_one(inner);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
}

/* libFuzzer's format: name="value" with \\, \" and \xAB. */
static void read_dictionary(const char *path)
{
    char line[512], word[512];
    FILE *file = fopen(path, "re");
    if (!file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(2);
    }
    while (fgets(line, sizeof line, file)) {
        const char *at = strchr(line, '"');
        size_t size = 0;
        if (line[0] == '#' || !at)
            continue;
        for (at++; *at && *at != '"'; at++) {
            unsigned code;
            if (at[0] == '\\' && sscanf(at, "\\x%2x", &code) == 1) {
                word[size++] = (char)code;
                at += 3;
            } else {
                at += at[0] == '\\' && at[1];
                word[size++] = *at;
            }
        }
        add(&words, word, size);
    }
    fclose(file);
}

/* ---- mutating ---- */

static uint64_t state;

static uint64_t random_below(uint64_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % limit;
}

struct mutant {
    uint8_t bytes[INPUT_BYTES_MAX];
    size_t size;
};

/* Replaces `out` bytes at `at` by `in`. */
static void replace(struct mutant *mutant, size_t at, size_t out, const uint8_t *in, size_t size)
{
    static uint8_t tail[INPUT_BYTES_MAX];
    size_t rest = mutant->size - at - out;
    if (at + size + rest > sizeof mutant->bytes)
        return;
    memcpy(tail, mutant->bytes + at + out, rest);
    if (size)
        memmove(mutant->bytes + at, in, size);
    memcpy(mutant->bytes + at + size, tail, rest);
    mutant->size = at + size + rest;
}

static void mutate(struct mutant *mutant)
{
    static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff, '0', '9', '-', '"', ':', '{', '[', '\n', ' '};
    size_t at = mutant->size ? random_below(mutant->size) : 0, left = mutant->size - at;
    size_t some = left ? 1 + random_below(left < 32 ? left : 32) : 0;
    struct bytes other;
    uint8_t byte = (uint8_t)random_below(256);
    switch (random_below(10)) {
    case 0:
        if (left)
            mutant->bytes[at] ^= (uint8_t)(1u << random_below(8));
        return;
    case 1:
        if (left)
            mutant->bytes[at] = byte;
        return;
    case 2:
        if (left)
            mutant->bytes[at] = edges[random_below(sizeof edges)];
        return;
    case 3:
        replace(mutant, at, 0, &byte, 1);
        return;
    case 4:
        replace(mutant, at, some, NULL, 0);
        return;
    case 5: /* repeats a stretch, now and then as often as there is room for: what does it take then? */
        for (uint64_t times = random_below(512) ? 1 : INPUT_BYTES_MAX; times && some; times--) {
            size_t before = mutant->size;
            replace(mutant, at + some, 0, mutant->bytes + at, some);
            if (mutant->size == before)
                return;
        }
        return;
    case 6: /* a stretch of another input */
        other = corpus.list[random_below(corpus.count)];
        if (other.size) {
            size_t from = random_below(other.size), most = other.size - from;
            replace(mutant, at, random_below(2) ? some : 0, other.data + from,
                    1 + random_below(most < 256 ? most : 256));
        }
        return;
    case 7: /* cuts the end off */
        if (random_below(4) == 0)
            mutant->size = at;
        return;
    default:
        if (words.count) {
            other = words.list[random_below(words.count)];
            replace(mutant, at, random_below(2) ? some : 0, other.data, other.size);
        } else if (left) {
            mutant->bytes[at] = (uint8_t)(mutant->bytes[at] + random_below(35) - 17);
        }
        return;
    }
}

static void run_mutants(uint64_t runs)
{
    static struct mutant mutant;
    for (uint64_t i = 0; i < runs; i++) {
        struct bytes from = corpus.list[random_below(corpus.count)];
        if (from.size > LARGE_BYTES && random_below(32)) /* a hundred small ones are done meanwhile */
            from = corpus.list[random_below(corpus.count)];
        mutant.size = from.size;
        if (from.size)
            memcpy(mutant.bytes, from.data, from.size);
        for (uint64_t left = 1 + random_below(6); left; left--)
            mutate(&mutant);
        run(mutant.bytes, mutant.size);
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"runs", required_argument, NULL, 'r'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"dictionary", required_argument, NULL, 'd'},
                                            {0}};
    uint64_t runs = 0, seed = 1;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'r')
            runs = strtoull(optarg, NULL, 10);
        else if (option == 's')
            seed = strtoull(optarg, NULL, 10);
        else if (option == 'd')
            read_dictionary(optarg);
        else
            return 2;
    }
    if (optind == argc) {
        fprintf(stderr, "usage: %s [--runs N] [--seed S] [--dictionary FILE] FILE-OR-FOLDER...\n", argv[0]);
        return 2;
    }
    for (int i = optind; i < argc; i++)
        read_path(argv[i]);
    if (corpus.count == 0) {
        fprintf(stderr, "the corpus is empty\n");
        return 2;
    }
    const char *name = strrchr(argv[0], '/');
    char folder[1024] = ".";
    (void)!getcwd(folder, sizeof folder);
    snprintf(crash_path, sizeof crash_path, "crash-%s", name ? name + 1 : argv[0]);
    snprintf(again, sizeof again, "%s/%s\nto see it again: %s %s/%s\n", folder, crash_path, argv[0], folder,
             crash_path);
    state = seed * 0x9E3779B97F4A7C15ull + 1;
    const int deaths[] = {SIGABRT, SIGALRM, SIGILL, SIGFPE};
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++)
        signal(deaths[i], on_death);
    for (size_t i = 0; i < corpus.count; i++)
        run(corpus.list[i].data, corpus.list[i].size);
    run_mutants(runs);
    printf("%zu inputs, %llu mutations\n", corpus.count, (unsigned long long)runs);
    free_inputs(&corpus);
    free_inputs(&words);
    return 0;
}
