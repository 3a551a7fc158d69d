/* policy FOLDERS... PACK ROUNDS: reads, compiles and checks a pack, as `hearback policy check` does, and then decides:
   one decision is every rule of one kind asked of the facts of a usual case, as casework does upon an event. One line a
   round, by processor time; the yardstick is BLAKE2b-256 of 300 bytes. */
#include "measure.h"
#include "policy/compile.h"
#include "policy/condition.h"

#include <sodium.h>
#include <string.h>

#define ROUND_NS 200000000u

static void fact(struct arena *arena, struct facts *facts, const char *name, const char *text)
{
    Hb__Value *value = arena_alloc(arena, sizeof *value);
    hb__value__init(value);
    value->kind_case = HB__VALUE__KIND_TEXT;
    value->text = arena_strdup(arena, text);
    facts_set(arena, facts, name, value);
}

/* As many as a case has a week after its registration. */
static struct facts usual_facts(struct arena *arena)
{
    static const char *const names[][2] = {{"anonymous", "no"},   {"category", "service"}, {"cause", "delay"},
                                           {"channel", "phone"},  {"contact_by", "phone"}, {"first_contact", "li"},
                                           {"handler", "bai"},    {"kind", "complaint"},   {"lead", "centre"},
                                           {"place", "3-2-501"},  {"priority", "normal"},  {"severity", "general"},
                                           {"stage", "handling"}, {"level", "l7"}};
    struct facts facts = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        fact(arena, &facts, names[i][0], names[i][1]);
    return facts;
}

static unsigned rules_of(const Policy__Policy *policy)
{
    unsigned count = 0;
    for (size_t i = 0; i < policy->n_kinds; i++)
        count += (unsigned)policy->kinds[i]->n_rules;
    return count;
}

static double check_ms(const struct policy_source *sources, size_t count, const char *const *packs,
                       struct policy_result *result, struct arena *arena)
{
    uint64_t began = processor_ns();
    policy_compile(sources, count, packs, 1, arena, result);
    if (result->policy)
        policy_check(result, arena);
    for (size_t i = 0; i < result->count; i++)
        if (!result->mistakes[i].warning) {
            fprintf(stderr, "policy: %s:%u: %s: %s\n", result->mistakes[i].file, result->mistakes[i].line,
                    result->mistakes[i].field, result->mistakes[i].message);
            exit(1);
        }
    return (double)(processor_ns() - began) / 1e6;
}

/* Kinds in turn, so that no more than usual is in the processor's cache. */
static double decisions_per_second(const Policy__Policy *policy, const struct facts *facts)
{
    struct condition_context context = {0};
    uint64_t began = processor_ns(), now = began, count = 0, held = 0;
    for (; now - began < ROUND_NS; now = processor_ns(), count++) {
        const Policy__Kind *kind = policy->kinds[count % policy->n_kinds];
        for (size_t i = 0; i < kind->n_rules; i++)
            held += condition_holds(kind->rules[i]->condition, facts, &context, NULL) == TRUTH_YES;
    }
    if (!held) {
        fprintf(stderr, "policy: no rule held: nothing was measured\n");
        exit(1);
    }
    return (double)count / ((double)(now - began) / 1e9);
}

static double hashes_per_second(void)
{
    uint8_t content[300] = {0};
    uint64_t began = processor_ns(), now = began, count = 0;
    for (; now - began < ROUND_NS; now = processor_ns(), count++)
        crypto_generichash(content, 32, content, sizeof content, NULL, 0);
    return (double)count / ((double)(now - began) / 1e9);
}

int main(int argc, char **argv)
{
    if (argc < 4 || sodium_init() < 0) {
        fprintf(stderr, "usage: policy FOLDER... PACK ROUNDS\n");
        return 2;
    }
    const char *packs[] = {argv[argc - 2]};
    for (unsigned long round = strtoul(argv[argc - 1], NULL, 10); round > 0; round--) {
        struct arena arena;
        struct policy_source *sources = NULL;
        struct policy_result result;
        size_t count = 0;
        arena_init(&arena);
        if (policy_read_folders((const char *const *)(argv + 1), (size_t)argc - 3, packs, 1, &arena, &sources,
                                &count)) {
            fprintf(stderr, "policy: %s cannot be read\n", packs[0]);
            return 1;
        }
        double ms = check_ms(sources, count, packs, &result, &arena);
        struct facts facts = usual_facts(&arena);
        double hashes = hashes_per_second();
        printf("{\"kinds\": %zu, \"rules\": %u, \"check_ms\": %.2f, \"decisions_per_second\": %.1f, "
               "\"hashes_per_second\": %.1f}\n",
               result.policy->n_kinds, rules_of(result.policy), ms, decisions_per_second(result.policy, &facts),
               hashes);
        arena_fini(&arena);
    }
    return 0;
}
