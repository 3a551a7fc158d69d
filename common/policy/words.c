#include "policy/words.h"

#include "policy/lookup.h"

#include <string.h>

struct saying {
    struct arena *arena;
    const Policy__Policy *policy;
    const struct policy_departments *departments;
    bool english;
};

const char *policy_label_text(const Hb__Label *label, bool english)
{
    return !label ? "" : english ? label->en : label->zh;
}

/* What the policy or the site calls it; NULL: neither knows it. */
static const Hb__Label *label_of(const struct saying *saying, const char *root)
{
    const Policy__Post *post = policy_post(saying->policy, root);
    const Policy__Roster *roster = policy_roster(saying->policy, root);
    return post                  ? post->label
           : roster              ? roster->label
           : saying->departments ? saying->departments->name(saying->departments->context, root)
                                 : NULL;
}

static const char *root_text(const struct saying *saying, const char *root)
{
    static const struct {
        const char *role, *zh, *en;
    } roles[] = {{"handler", "经办人", "the handler"},
                 {"lead", "主办部门", "the lead department"},
                 {"joint", "协办部门", "the joint departments"},
                 {"owner", "责任人", "the owner"},
                 {"first_contact", "首接人", "the first contact"},
                 {"complainant", "投诉人", "the complainant"},
                 {"respondent", "被投诉人", "the respondent"},
                 {"employee", "员工", "employees"}};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(roles[i].role, root) == 0)
            return saying->english ? roles[i].en : roles[i].zh;
    const Hb__Label *label = label_of(saying, root);
    if (label)
        return saying->english ? label->en : label->zh;
    return arena_printf(saying->arena, saying->english ? "\"%s\"" : "“%s”", root);
}

static const char *who_text(const struct saying *saying, const Policy__Who *who)
{
    static const struct {
        const char *word, *zh;
    } words[] = {{"head", "负责人"},     {"superior", "上级"}, {"deputy", "代理人"},
                 {"department", "部门"}, {"duty", "值班"},     {"members", "成员"}};
    const char *text = root_text(saying, who->root);
    for (size_t i = who->n_of; i-- > 0;) {
        const char *zh = who->of[i];
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            zh = strcmp(words[w].word, who->of[i]) == 0 ? words[w].zh : zh;
        text = saying->english ? arena_printf(saying->arena, "%s of %s", who->of[i], text)
                               : arena_printf(saying->arena, "%s的%s", text, zh);
    }
    return text;
}

const char *policy_whos_text(struct arena *arena, const Policy__Policy *policy, Policy__Who *const *whos, size_t count,
                             bool english, const struct policy_departments *departments)
{
    const struct saying saying = {arena, policy, departments, english};
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s%s%s", text, i == 0 ? "" : english ? " or " : "、", who_text(&saying, whos[i]));
    return text;
}
