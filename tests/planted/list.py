"""list.py SOURCE BUG...: every bug that is planted in the sources is looked for, and every one that is looked for is planted."""

import os
import re
import sys

source, *looked_for = sys.argv[1:]
planted = set()
for folder in ("common", "services"):
    for path, _, names in os.walk(os.path.join(source, folder)):
        for name in names:
            if name.endswith(".c"):
                with open(os.path.join(path, name)) as f:
                    planted |= set(re.findall(r'\bplanted(?:_each|_again)?\("(\w+)"', f.read()))
planted -= {"mail_unlocked", "beside_unlocked"}  # chaos/threads looks for them, under the thread sanitizer
planted -= {"poison_decide", "poison_react", "poison_evolve", "poison_delivered"}  # poison.py: no test finds them, the system lives with them
looked_for = set(looked_for) - {"none"}
for bug in sorted(planted - looked_for):
    print(f"{bug} is planted and never looked for: add it to tests/planted/CMakeLists.txt")
for bug in sorted(looked_for - planted):
    print(f"{bug} is looked for and planted nowhere")
print(f"{len(planted)} bugs planted")
sys.exit(planted != looked_for)
