/* A policy pack as its author may write it: either every mistake has a place and a text, or the compiled policy
   survives the wire, compiles to the same bytes again, and its conditions can be asked. */
#include "fuzz.h"

#include "message/message.h"
#include "policy/compile.h"
#include "policy/condition.h"
#include "policy/lookup.h"
#include "yaml/yaml.h"

static unsigned lines_of(const uint8_t *data, size_t size)
{
    unsigned lines = 2;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n' || data[i] == '\r' || data[i] == 0x85 || data[i] == 0xa8 || data[i] == 0xa9;
    return lines;
}

static void ask(ProtobufCMessage *message, void *context)
{
    (void)context;
    const struct facts none = {0};
    const struct condition_context nobody = {.now_ms = 1741570200000};
    const char *missing = NULL;
    if (message->descriptor != &policy__condition__descriptor)
        return;
    enum truth truth = condition_holds((const Policy__Condition *)message, &none, &nobody, &missing);
    must(truth == TRUTH_NO || truth == TRUTH_YES || truth == TRUTH_UNKNOWN);
}

static void check_mistakes(const struct policy_result *result, unsigned lines)
{
    size_t wrong = 0;
    for (size_t i = 0; i < result->count; i++) {
        const struct policy_mistake *mistake = &result->mistakes[i];
        must(mistake->file && mistake->field && mistake->message && *mistake->message);
        must(mistake->line <= lines);
        wrong += !mistake->warning;
    }
    must(wrong == 0 || !result->policy);
}

/* The shipped base, for those that extend it: what each of its files says of complaints belongs together. */
static struct bytes frame(size_t part)
{
    static const char *const paths[] = {SOURCE_DIR "/services/directory/policies/GEN-FRAME/pack.yaml",
                                        SOURCE_DIR "/services/directory/policies/GEN-FRAME/joining.yaml"};
    static struct arena kept;
    static struct bytes texts[2];
    if (!texts[part].data)
        must(yaml_read_file(paths[part], &kept, &texts[part]) == ERR_NONE);
    return texts[part];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const packs[] = {"X"};
    const struct policy_source sources[] = {
        {"X/pack.yaml", bytes_of(data, size)}, {"GEN-FRAME/pack.yaml", frame(0)}, {"GEN-FRAME/joining.yaml", frame(1)}};
    struct policy_result first, second;
    struct arena arena;
    arena_init(&arena);
    fuzz_memory_begin();
    policy_compile(sources, 3, packs, 1, &arena, &first);
    must(first.policy || first.count);
    policy_check(&first, &arena);
    fuzz_memory_end(size + sources[1].text.size + sources[2].text.size);
    check_mistakes(&first, lines_of(data, size) + lines_of(frame(0).data, frame(0).size));
    if (first.policy) {
        ProtobufCMessage *message = (ProtobufCMessage *)first.policy, *again;
        char *why;
        policy_compile(sources, 3, packs, 1, &arena, &second);
        must(second.policy && fuzz_same(message, (ProtobufCMessage *)second.policy, &arena));
        enum err err = message_unpack(&policy__policy__descriptor, message_pack(message, &arena), &arena, &again, &why);
        must(err == ERR_NONE || err == ERR_TOO_LARGE); /* the second is what publishing refuses */
        message_visit(err ? message : again, ask, NULL);
        for (size_t k = 0; k < first.policy->n_kinds; k++)
            must(policy_first_stage(first.policy->kinds[k]));
    }
    arena_fini(&arena);
    return 0;
}
