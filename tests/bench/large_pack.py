"""A large policy pack: a hundred kinds, two thousand rules that act; a file for every ten kinds, as `common/yaml` asks of so dense a text."""

import os

KINDS, RULES = 100, 2000


def write_pack(folder, name="LARGE", kinds=KINDS, rules=RULES):
    """Every rule asks three facts; one in six of them holds in a usual case."""
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    head = [f"pack: {name}", "name: [大制度, A large policy]", "extends: GEN-FRAME", "source: made by the bench", "in_force: 2025-01-01"]
    files = {"pack.yaml": head}
    for kind in range(kinds):
        lines = files.setdefault(f"kinds-{kind // 10}.yaml", ["kinds:"])
        lines += [f"  matter_{kind}:", "    like: complaint", "    clause: GEN-FRAME-02", f"    name: [事项{kind}, Matter {kind}]", "    fields:",
                  "      level: {clause: GEN-FRAME-02, name: [级别, Level], one_of: {" +
                  ", ".join(f"l{i}: [级{i}, Level {i}]" for i in range(12)) + "}, default: l0}", "    rules:"]
        for rule in range(rules // kinds):
            lines += [f"      rule_{rule}:", "        clause: GEN-FRAME-02", "        before: answer",
                      f"        if: {{all: [{{severity: general}}, {{any: [{{level: l{rule % 12}}}, {{level: l{(rule + 5 + rule // 12) % 12}}}]}}, "
                      f"{{priority: {'normal' if rule % 2 else 'urgent'}}}]}}",
                      f"        refuse: [第{rule}条不符, Rule {rule} is not met]"]
    for file, lines in files.items():
        with open(os.path.join(folder, name, file), "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
    return name
