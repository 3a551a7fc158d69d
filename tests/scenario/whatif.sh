#!/usr/bin/env bash
# whatif.sh HEARBACK: `policy whatif` over the stores that a rehearsal leaves: a policy that is not changed changes nothing, in
# lives of several systems; one edited figure, row or rule changes exactly the cases it must, each with what was and what would be.
set -euo pipefail
hearback=$1 here=$(cd "$(dirname "$0")" && pwd)
place=$(mktemp -d -p "$( [ -w /dev/shm ] && echo /dev/shm || echo /tmp )")
trap 'rm -rf "$place"' EXIT
cd "$place"

# ---- nothing is changed ----

lives="GEN-FRAME/GEN-FRAME-06 GEN-FRAME/GEN-FRAME-17 HOSP-PROPERTY-FM/HOSP-PROPERTY-FM-03 HOSP-PROPERTY-HR/HOSP-PROPERTY-HR-03
  HOSP-PROPERTY-HR/HOSP-PROPERTY-HR-06 HOSP-PROPERTY-LIFT/HOSP-PROPERTY-LIFT-07 HOSP-PROPERTY-UTIL/HOSP-PROPERTY-UTIL-01
  PROP-11/PROP-11-06 PROP-CO/PROP-CO-16 PROP-COMPLAINT/PROP-COMPLAINT-09 PROP-FEEDBACK/PROP-FEEDBACK-09
  PROP-NOTICE/PROP-NOTICE-02 PROP-REVISIT/PROP-REVISIT-19"
for life in $lives; do
  rm -rf past
  "$hearback" policy rehearse --quiet --packs "$here/packs" --keep past "$here/$life.yaml" >/dev/null
  said=$("$hearback" policy whatif --json --packs "$here/packs" --logs past "${life%%/*}" --since 2025-01-01 2>err) ||
    { echo "$life: differences without a change: $said"; cat err; exit 1; }
  python3 -c 'import json, sys; said = json.loads(sys.argv[1]); assert said["cases"] and not said["different"] and not said["unrepeated"], said' "$said"
done

# ---- a small policy, and a past with cases before and after DATE ----

mkdir SHOP
cat >SHOP/pack.yaml <<'END'
pack: SHOP
name: [小店, Shop]
extends: GEN-FRAME
settings:
  answered_within: {clause: SHOP-1, value: 5 working days, name: [答复时限, Limit of the answer]}
posts:
  clerk: {clause: SHOP-1, name: [店员, Clerk], in: front, superior: boss}
  smith: {clause: SHOP-1, name: [修理工, Repairer], in: workshop, superior: boss}
  boss:  {clause: SHOP-1, name: [老板, Boss], in: office, handles: no}
  coordinator: {in: office, superior: boss}
categories:
  talk:  {name: [言语, Words], to: front}
  thing: {name: [物品, Things], to: front}
ladders:
  shop: {clause: SHOP-2, rows: [{at: late, tell: boss}, {at: +2 working days, tell: coordinator}]}
kinds:
  request:
    clause: SHOP-1
    name: [请求, Request]
    stages: {open: new, answered: closed}
    stage_names: {open: [未复, Open], answered: [已复, Answered]}
    fields:
      category: {name: [类别, Category], type: name}
      reason: {name: [原因, Reason], type: text}
      size: {name: [大小, Size], one_of: {small: [小, Small], large: [大, Large]}, default: small}
    steps:
      register: {clause: SHOP-1, name: [登记, Register], to: open, by: anyone, fields: [category, size]}
      answer: {clause: SHOP-1, name: [答复, Answer], from: open, to: answered, by: handler, fields: [reason]}
    route:
      words: {clause: SHOP-1, if: {category: talk}, to: department of category}
      otherwise: {clause: SHOP-1, to: department of category}
    clocks:
      answer: {clause: SHOP-1, name: [答复, Answer], main: yes, start: received_at, stop: answered, limit: $answered_within, ladder: shop}
END
cat >shop.yaml <<'END'
scenario: SHOP-1
title: [小店的一个月, A month of the shop]
packs: [SHOP]
given: {people: {ke: clerk, gong: smith, lao: boss, xie: coordinator}}
ignore: [warning, late, opened]
run:
  - {at: 2025-03-03 10:00, by: xie, do: register request early, with: {category: talk, text: 早}}
  - {at: 2025-03-10 10:00, by: xie, do: register request quick, with: {category: talk, text: 密, name: 王芳}}
  - {at: 10:01, by: xie, do: register request slow, with: {category: talk, text: 密, size: large}}
  - {at: 10:02, by: xie, do: register request never, with: {category: talk, text: 密}}
  - {at: 10:03, by: xie, do: register request thing, with: {category: thing, text: 密}}
  - {at: 2025-03-11 10:00, by: ke, do: answer quick, with: {reason: 已谈}}
  - {at: 10:05, by: ke, do: answer thing}
  - {at: 2025-03-14 10:00, by: ke, do: answer slow, with: {reason: 已谈}}
  - {at: 2025-04-01 10:00, expect: {stage: {never: open}}}
END
"$hearback" policy rehearse --quiet --packs . --keep shop shop.yaml >/dev/null
# What the logs hold of the complainant is sealed; whoever asks has no keys.
rm -rf shop/keys shop/intake-0/vault

cat >expect.py <<'END'
import json, sys
said, wanted = json.load(sys.stdin), json.loads(sys.argv[1])
short = {"20250303-request-001": "early", "20250310-request-001": "quick", "20250310-request-002": "slow",
         "20250310-request-003": "never", "20250310-request-004": "thing"}
found = {}
for case in said["list"]:
    for one in case["differences"]:
        found.setdefault(short[case["number"]], []).append([one["effect"], one["old"], one["new"]])
for name in sorted(set(found) | set(wanted)):
    assert sorted(found.get(name, [])) == sorted(wanted.get(name, [])), f"{name}: {found.get(name)}\nwanted: {wanted.get(name)}"
assert said["different"] == len(wanted) and said["unrepeated"] == 0, said
END
# changed SED WANTED: SHOP with this edit, from 2025-03-08 on.
changed() {
  rm -rf other && mkdir -p other/SHOP && sed "$1" SHOP/pack.yaml >other/SHOP/pack.yaml
  [ -z "$1" ] || ! cmp -s SHOP/pack.yaml other/SHOP/pack.yaml || { echo "the edit changes nothing: $1"; exit 1; }
  code=0
  "$hearback" policy whatif --json --language en --logs shop ./other/SHOP --since 2025-03-08 >said 2>err || code=$?
  [ $code = "$3" ] || { echo "$1: exit $code"; cat err said; exit 1; }
  python3 expect.py "$2" <said || { echo "$1"; exit 1; }
}
changed '' '{}' 0
# A figure: who was in time with five days is late with three; the case of before DATE keeps its own.
changed 's/value: 5 working days/value: 3 working days/' '{
  "quick": [["other_date", "2025-03-17 18:00:00 met", "2025-03-13 18:00:00 met"]],
  "slow": [["late", "2025-03-17 18:00:00 met", "2025-03-13 18:00:00 met late"],
           ["escalated", "-", "2025-03-13 18:00:00 level 1 → lao"], ["notice", "-", "1"]],
  "thing": [["other_date", "2025-03-17 18:00:00 met", "2025-03-13 18:00:00 met"]],
  "never": [["other_date", "2025-03-17 18:00:00 late", "2025-03-13 18:00:00 late"],
            ["escalated_otherwise", "2025-03-17 18:00:00 level 1 → lao", "2025-03-13 18:00:00 level 1 → lao"],
            ["escalated_otherwise", "2025-03-19 18:00:00 level 2 → xie", "2025-03-17 18:00:00 level 2 → xie"]]}' 1
# A row of the ladder, for the one case that gets so far.
changed 's/+2 working days/+1 working days/' '{
  "never": [["escalated_otherwise", "2025-03-19 18:00:00 level 2 → xie", "2025-03-18 18:00:00 level 2 → xie"]]}' 1
# Another department: its own handler does there what the handler did here.
changed 's/thing: {name: \[物品, Things\], to: front}/thing: {name: [物品, Things], to: workshop}/' '{
  "thing": [["routed_elsewhere", "front / ke (otherwise)", "workshop / gong (otherwise)"]]}' 1
# A step that needs more than was given; what then stays open is late.
changed 's/fields: \[reason\]/needs: [reason]/' '{
  "thing": [["step_refused", "-", "2025-03-11 10:05:00 something needed is missing; please fill in: Reason"],
            ["late", "2025-03-17 18:00:00 met", "2025-03-17 18:00:00 late"],
            ["escalated", "-", "2025-03-17 18:00:00 level 1 → lao"], ["notice", "-", "1"],
            ["escalated", "-", "2025-03-19 18:00:00 level 2 → xie"], ["notice", "-", "1"]]}' 1
# What would not be registered at all.
changed 's/^    route:/    rules: {big: {clause: SHOP-1, before: register, if: {size: large}, refuse: [太大, Too large]}}\n    route:/' '{
  "slow": [["not_registered", "+", "the policy does not allow it; Too large"]]}' 1

# ---- what cannot be compared ----

refused() { # PATTERN ARGUMENT...
  pattern=$1 code=0
  "$hearback" policy whatif "${@:2}" >out 2>err || code=$?
  [ $code = 2 ] && grep -qF "$pattern" err || { echo "exit $code, not said: $pattern"; cat err out; exit 1; }
}
refused '2025-03-01 09:00' --logs shop ./SHOP --since 2025-02-30
refused '晚于已有记录' --logs shop ./SHOP --since 2031-01-01
refused 'accepted: rehearsal' --language en --logs shop --site lost ./SHOP --since 2025-01-01
refused 'directory-0, intake-0' --logs nowhere ./SHOP --since 2025-01-01
sed -i 's/ladder: shop/ladder: shopp/' other/SHOP/pack.yaml
refused 'did you mean "shop"?' --language en --logs shop ./other/SHOP --since 2025-01-01
"$hearback" policy check --language en ./other/SHOP >checked || true
grep -qxFf err checked || { echo "check words it otherwise:"; cat checked err; exit 1; }
