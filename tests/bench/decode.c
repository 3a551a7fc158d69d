/* decode FOLDER ROUNDS: how many events a second are taken apart, real ones: a batch of 256 of casework's log (FOLDER
   is that of `hearback --data` of a stopped system), into an arena that is taken back after the batch, and by
   protobuf-c with malloc and free for each. One pair of figures a round, in turn. */
#include "measure.h"
#include "message/message.h"
#include "offline.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUND_NS 200000000u
#define BATCH 256u

static double arena_per_second(const struct bytes batch[BATCH], struct arena *arena)
{
    uint64_t began = processor_ns(), now = began, count = 0;
    for (; now - began < ROUND_NS; now = processor_ns(), count += BATCH) {
        struct arena_mark mark = arena_mark(arena);
        for (unsigned i = 0; i < BATCH; i++) {
            ProtobufCMessage *message;
            char *why;
            if (message_load(&hb__event__descriptor, batch[i], arena, &message, &why))
                offline_fail("casework's log", why);
        }
        arena_return(arena, mark);
    }
    return (double)count / ((double)(now - began) / 1e9);
}

static double malloc_per_second(const struct bytes batch[BATCH])
{
    uint64_t began = processor_ns(), now = began, count = 0;
    for (; now - began < ROUND_NS; now = processor_ns(), count += BATCH) {
        ProtobufCMessage *messages[BATCH];
        for (unsigned i = 0; i < BATCH; i++) {
            messages[i] = protobuf_c_message_unpack(&hb__event__descriptor, NULL, batch[i].size, batch[i].data);
            if (!messages[i])
                offline_fail("casework's log", "protobuf-c cannot unpack it");
        }
        for (unsigned i = 0; i < BATCH; i++)
            protobuf_c_message_free_unpacked(messages[i], NULL);
    }
    return (double)count / ((double)(now - began) / 1e9);
}

int main(int argc, char **argv)
{
    static struct offline offline;
    static struct arena kept;
    struct bytes batch[BATCH];
    if (argc != 3) {
        fprintf(stderr, "usage: decode FOLDER ROUNDS\n");
        return 2;
    }
    arena_init(&kept);
    offline_open(&offline, "decode", argv[1]);
    struct instance *instance = offline_instance(&offline, offline_index(HB__SERVICE__CASEWORK), NULL, false);
    for (unsigned i = 0; i < BATCH; i++)
        if (!instance_log_get(instance, i + 1, &kept, &batch[i]))
            offline_fail("casework's log", "has not 256 events");
    arena_per_second(batch, &kept); /* what is cold at first */
    for (unsigned long round = strtoul(argv[2], NULL, 10); round > 0; round--) {
        double arena = arena_per_second(batch, &kept);
        printf("{\"arena_per_second\": %.1f, \"malloc_per_second\": %.1f}\n", arena, malloc_per_second(batch));
    }
    instance_close(instance);
    arena_fini(&kept);
    return 0;
}
