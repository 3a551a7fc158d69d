#!/usr/bin/env bash
# flow.sh HEARBACK: what `policy flow` promises: every stage and step of the kind, in both languages, as SVG.
set -euo pipefail
hearback=$1
dot=$("$hearback" policy flow --dot PROP-COMPLAINT complaint)
for line in '"reviewing" [label="研究中"' '"registered" -> "reviewing" [label="召集研究：客户服务经理"' \
  '"replied" -> "handling" [label="重新办理：' '↺ 记录联系：经办人、主办部门' '结果签字：主办部门的负责人'; do
  grep -qF -- "$line" <<<"$dot" || { echo "missing: $line"; exit 1; }
done
"$hearback" policy flow --language en PROP-COMPLAINT complaint | python3 -c '
import sys, xml.etree.ElementTree as tree
texts = {node.text for node in tree.parse(sys.stdin).iter("{http://www.w3.org/2000/svg}text")}
wanted = {"Registered", "Under review", "Convene the review: Customer service manager"}
looped = any(text and text.startswith("↺ Record contact: the handler") for text in texts)
sys.exit(f"missing in the SVG: {wanted - texts}" if wanted - texts else 0 if looped else "the SVG lists no loop in its stage")'
! grep -qE '^  ("[a-z_]+") -> \1 ' <<<"$dot" || { echo "a loop is drawn as an arrow: labels of several lie on each other"; exit 1; }
dot=$("$hearback" policy flow --dot --language en --packs "$(dirname "$0")/packs" DEPARTMENTS complaint)
tr '\n' ' ' <<<"$dot" | grep -q 'label="Mark handled: the handler [^"]*where customer_service_centre leads: head of' || { echo "not drawn: who takes it where a department says otherwise"; exit 1; }
! "$hearback" policy flow PROP-COMPLAINT lost 2>/tmp/flow.$$ || { echo "a kind that is not there was drawn"; exit 1; }
grep -q 'no kind "lost"; it has: .*complaint' /tmp/flow.$$
rm -f /tmp/flow.$$
