#include "policy/words.h"

#include "policy/lookup.h"

#include <string.h>

static const char *root_text(const Policy__Policy *policy, const char *root, bool english)
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
    const Policy__Post *post = policy_post(policy, root);
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(roles[i].role, root) == 0)
            return english ? roles[i].en : roles[i].zh;
    return post ? (english ? post->label->en : post->label->zh) : root;
}

const char *policy_who_text(struct arena *arena, const Policy__Policy *policy, const Policy__Who *who, bool english)
{
    static const struct {
        const char *word, *zh;
    } words[] = {{"head", "负责人"},     {"superior", "上级"}, {"deputy", "代理人"},
                 {"department", "部门"}, {"duty", "值班"},     {"members", "成员"}};
    const char *text = root_text(policy, who->root, english);
    for (size_t i = who->n_of; i-- > 0;) {
        const char *zh = who->of[i];
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            zh = strcmp(words[w].word, who->of[i]) == 0 ? words[w].zh : zh;
        text = english ? arena_printf(arena, "%s of %s", who->of[i], text) : arena_printf(arena, "%s的%s", text, zh);
    }
    return text;
}

const char *policy_whos_text(struct arena *arena, const Policy__Policy *policy, Policy__Who *const *whos, size_t count,
                             bool english)
{
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s%s%s", text,
                            i == 0    ? ""
                            : english ? " or "
                                      : "、",
                            policy_who_text(arena, policy, whos[i], english));
    return text;
}
