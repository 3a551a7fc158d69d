#!/usr/bin/env bash
# contract.sh HEARBACK: what `policy rehearse` and `policy check` promise of themselves: exit codes, the first
# difference, what is said of a malformed file, and the same bytes every time.
set -uo pipefail
hearback=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# expect NAME CODE PATTERN COMMAND...: exit code and a text in the output (standard error included).
expect() {
  local name=$1 code=$2 pattern=$3 got=0
  shift 3
  "$@" >"$work/out" 2>&1 || got=$?
  if [ $got -ne "$code" ] || ! grep -qF -- "$pattern" "$work/out"; then
    echo "FAILED $name: exit $got, wanted $code and \"$pattern\"; it said:"
    sed 's/^/    /' "$work/out"
    failed=1
  fi
}

# scenario FILE LINES...: a scenario of PROP-11 with these lines in its run.
scenario() {
  { printf 'scenario: PROP-11-08\ntitle: [到场, On site]\npacks: [PROP-11]\n'
    printf 'given: {people: {li: duty_officer, zhou: repair_technician}}\nrun:\n'
    printf '  - {at: 2025-03-03 09:00, by: li, do: register repair r1, with: {category: water, class: small}}\n'
    shift
    printf '  - %s\n' "$@"; } >"$work/scenario.yaml"
}
rehearse() { "$hearback" policy rehearse --language en "$@"; }

# ---- what a department does otherwise is logged under its own clause ----
here=$(dirname "$(realpath "$0")")
expect 'who takes it here, under the clause that says so' 0 'step  Settle on the spot(settle) → Closed  gong  [GEN-FRAME-10]' \
  rehearse --packs "$here/packs" "$here/departments.yaml"

# ---- what the complainant sees, and forms: each way to differ ----
seen() { # EXPECTATION: of a complaint that was advised where to turn
  { printf 'scenario: PROP-11-03\ntitle: [所见, What is seen]\npacks: [PROP-11]\nignore: [warning, late]\nrun:\n'
    printf '  - {at: 2025-03-03 09:00, by: duty_officer, do: register complaint c1, with: {category: noise, valid: no, text: 太吵}}\n'
    printf '  - {at: 09:01, by: duty_officer, do: advise c1, with: {referral: 城市热线}}\n'
    printf '  - {at: 09:01, expect: {%s}}\n' "$1"; } >"$work/seen.yaml"
}
differs() { # EXPECTATION EN ZH
  seen "$1"
  expect "$1" 1 "$2" rehearse "$work/seen.yaml"
  expect "$1, in Chinese" 1 "$3" "$hearback" policy rehearse "$work/seen.yaml"
}
seen 'sees: {c1.referral: 热线, c1.valid: withheld, c1.plan: missing, c1: [text, category, referral]}, form: {c1.acceptance_form: {holds: [referral, not plan]}}'
expect 'what he sees' 0 '1 rehearsed, 0 different' rehearse "$work/seen.yaml"
differs 'sees: {c1.referral: 市长热线}' 'expected sees c1.referral 市长热线; it is 城市热线' '应为 sees c1.referral 市长热线，实为 城市热线'
differs 'sees: {c1.referral: withheld}' 'expected sees c1.referral withheld; it is 城市热线' '应为 sees c1.referral withheld，实为 城市热线'
differs 'sees: {c1.valid: no}' 'expected sees c1.valid no; it is withheld' '应为 sees c1.valid no，实为 withheld'
differs 'sees: {c1.valid: missing}' 'expected sees c1.valid missing; it is withheld' '实为 withheld'
differs 'sees: {c1.plan: withheld}' 'expected sees c1.plan withheld; it is missing' '实为 missing'
differs 'sees: {c1.stage: closed}' 'expected sees c1.stage closed; it is registered' '实为 registered'
differs 'sees: {c1.due.accept: withheld}' 'expected sees c1.due.accept withheld; it is ' '应为 sees c1.due.accept withheld，实为 '
differs 'sees: {c1.letter.answer_letter: present}' 'expected sees c1.letter.answer_letter present; it is missing' '实为 missing'
differs 'sees: {c1: [text, category]}' 'expected sees c1 text category; it is text category referral' '实为 text category referral'
differs 'sees: {c1: [text, category, referral, plan]}' 'it is text category referral' '实为 text category referral'
differs 'form: {c1.acceptance_form: {number: 7}}' 'expected form c1.acceptance_form number 7; it is 20250303-complaint-001' '应为 form c1.acceptance_form number 7，实为 20250303-complaint-001'
differs 'form: {c1.acceptance_form: {code: QR-1}}' 'expected form c1.acceptance_form code QR-1; it is ' '应为 form c1.acceptance_form code QR-1，实为 '
differs 'form: {c1.acceptance_form: {copies: [lead]}}' 'expected form c1.acceptance_form copies lead; it is ' '应为 form c1.acceptance_form copies lead'
differs 'form: {c1.acceptance_form: {holds: [plan]}}' 'expected form c1.acceptance_form holds plan; it is number kind' '应为 form c1.acceptance_form holds plan，实为 number kind'
differs 'form: {c1.acceptance_form: {holds: [not referral]}}' 'expected form c1.acceptance_form holds not referral; it is number kind' '应为 form c1.acceptance_form holds not referral'
malformed() { # EXPECTATION MISTAKE
  seen "$1"
  expect "$1" 2 "$2" rehearse "$work/seen.yaml"
}
malformed 'sees: {c1.referal: 热线}' 'complaint has no field "referal"; did you mean "referral"?'
malformed 'sees: {c1.due.acept: present}' 'complaint has no clock "acept"'
malformed 'sees: {c1.letter.answer: present}' 'the policy has no document "answer"'
malformed 'sees: {c1: text}' 'accepted: {CASE.FIELD: what he sees} or {CASE: [FIELD, ..]}'
malformed 'form: {c1.acceptance: {code: A}}' 'the policy has no document "acceptance"'
malformed 'form: {c1.acceptance_form: {fields: [a]}}' '"fields"'
malformed 'form: {c1.acceptance_form: {holds: [""]}}' 'a form has no such row: ""'
malformed 'form: {c1.acceptance_form: {holds: ["not "]}}' 'a form has no such row: ""'
malformed 'form: {c1.acceptance_form: {holds: [not referal]}}' 'a form has no such row: "referal"; did you mean "referral"?'
malformed 'form: {c1.acceptance_form: yes}' 'accepted: {code: .., number: .., copies: [..], holds: [FIELD, not FIELD]}'

# ---- under which clause something happens ----
seen 'told: {referral: [complainant]}, under: PROP-11-03'
expect 'told under its clause' 0 '1 rehearsed, 0 different' rehearse "$work/seen.yaml"
differs 'told: {referral: [complainant]}, under: PROP-11-04' 'told referral complainant under PROP-11-04' 'told referral complainant under PROP-11-04'
malformed 'sees: {c1.referral: 热线}, under: PROP-11-03' '"under" is of what happens, as {late: c1.reply, under: CLAUSE}'

# ---- a mail carries the letter that the same event issued, whichever rule stands first ----
expect 'the mail carries the letter' 0 '+ 20250303-plea-001-L1' rehearse --packs "$here/packs" "$here/letters.yaml"

# ---- as expected, and the first difference ----
scenario x '{at: +7 min 30 s, expect: {warning: r1.on_site}}' '{at: 09:10, by: zhou, do: arrive r1}'
expect 'all is as expected' 0 '1 rehearsed, 0 different' rehearse "$work/scenario.yaml"
expect 'the same as JSON' 0 '"as_expected":true}],"rehearsed":1,"different":0,"mistakes":[]}' "$hearback" --json policy rehearse "$work/scenario.yaml"
scenario x '{at: +7 min 31 s, expect: {warning: r1.on_site}}'
expect 'a second too late, and not written' 1 'scenario.yaml:7: run: not written: 2025-03-03 09:07:30' rehearse "$work/scenario.yaml"
expect 'a difference as JSON' 1 '"as_expected":false,"difference":{"line":7' "$hearback" --json policy rehearse "$work/scenario.yaml"
scenario x '{at: +7 min 30 s, expect: {warning: r1.on_site}}' '{at: 09:10, expect: {late: r1.repaired}}'
expect 'late is another clock' 1 'scenario.yaml:8: run[2].expect.late: did not happen now: late r1.repaired' rehearse "$work/scenario.yaml"
scenario x '{at: +7 min 30 s, expect: {warning: r1.on_site}}' '{at: 09:09, expect: {stage: {r1: handling}}}'
expect 'another stage' 1 'expected stage r1 handling; it is dispatched' rehearse "$work/scenario.yaml"
scenario x '{at: 09:01, expect: {due: {r1.on_site: 09:11}}}'
expect 'another due' 1 'expected due r1.on_site 2025-03-03 09:11:00; it is 2025-03-03 09:10:00' rehearse "$work/scenario.yaml"
scenario x '{at: 09:01, by: zhou, do: arrive r1, refused: PROP-11-08}'
expect 'it was not refused' 1 'expected to be refused, but it was done: arrive' rehearse "$work/scenario.yaml"
scenario x '{at: 09:01, by: li, do: make_safe r1}'
expect 'it was refused' 1 'make_safe was refused' rehearse "$work/scenario.yaml"
scenario x '{at: 09:01, by: li, do: make_safe r1, refused: PROP-11-99}'
expect 'refused under another clause' 1 'expected to be refused under PROP-11-99' rehearse "$work/scenario.yaml"
scenario x '{at: 09:01, by: li, do: make_safe r1, refused: PROP-11-09, says: 没有这句话}'
expect 'refused in other words' 1 'the refusal should say' rehearse "$work/scenario.yaml"
scenario x '{at: 09:01, down: casework}' '{at: 09:02, by: zhou, do: arrive r1, refused: PROP-11-09}'
expect 'nobody refused it: the service is away' 1 'expected to be refused under PROP-11-09; it was: the service is away' rehearse "$work/scenario.yaml"
scenario x '{at: 09:01, expect: {handler: {r1: li}}}'
expect 'another handler' 1 'expected handler r1 li; it is zhou' rehearse "$work/scenario.yaml"
scenario x '{at: 09:00, expect: {told: [zhou]}}'
expect 'nobody told him' 1 'did not happen now: told zhou' rehearse "$work/scenario.yaml"
scenario x '{at: +7 min 30 s, expect: {warning: r1.on_site}}' '{until: 09:09, never: {warning: r1.on_site}}'
expect 'it did happen' 1 'this should not happen: warning r1.on_site' rehearse "$work/scenario.yaml"
scenario x '{at: 09:00, expect: {opened: {revisit: v1}}}'
expect 'nothing was opened' 1 'did not happen now: opened revisit v1' rehearse "$work/scenario.yaml"
scenario x '{at: 09:00, expect: {hidden: {zhou: r1}}}'
expect 'it is visible' 1 'expected hidden r1 zhou; it is visible' rehearse "$work/scenario.yaml"
scenario x '{at: 09:01, delivered: reply r1}'
expect 'no such notice' 1 'no such notice is under way' rehearse "$work/scenario.yaml"
scenario x '{at: 09:01, calendar: mars-2025}'
expect 'no such calendar' 1 'there is no such calendar' rehearse "$work/scenario.yaml"

# ---- malformed: file, line, field, suggestion; nothing is run ----
bad() { # NAME LINE-OF-RUN TEXT
  scenario x "$2"
  expect "$1" 2 "$3" rehearse "$work/scenario.yaml"
  grep -qF '0 rehearsed' "$work/out" || { echo "FAILED $1: something was run"; failed=1; }
}
scenario x '{at: 09:01, expect: {indicator: {revisit_rate 2025-03: 100.0 % met}}}'
expect 'another figure' 1 'expected indicator revisit_rate 2025-03 100.0 % met; it is no_data' rehearse "$work/scenario.yaml"
bad 'a refusal without its reason' '{at: 09:01, by: li, do: make_safe r1, refused: yes}' 'run[1]: refused why? Name the clause, or some of its words with "says"'
bad 'a word' '{at: 09:01, expect: {lat: r1.on_site}}' 'scenario.yaml:7: run[1].expect.lat: not known here: "lat"; did you mean "late"?'
bad 'a clock' '{at: 09:01, expect: {late: r1.onsite}}' 'repair has no clock "onsite"; did you mean "on_site"?'
bad 'a step' '{at: 09:01, by: zhou, do: arive r1}' 'run[1].do: repair has no step "arive"; did you mean "arrive"?'
bad 'a case' '{at: 09:01, by: zhou, do: arrive r2}' 'no case of this name so far: "r2"'
bad 'somebody' '{at: 09:01, by: zhuo, do: arrive r1}' 'there is nobody of this name: "zhuo"; did you mean "zhou"?'
bad 'a time' '{at: soon, by: zhou, do: arrive r1}' '"soon" is no time'
bad 'the past' '{at: 08:59, by: zhou, do: arrive r1}' 'earlier than the line above'
bad 'a column' '{at: $when, by: zhou, do: arrive r1}' '"for" has no column "when"'
bad 'a document' '{at: 09:01, expect: {issued: acceptance_from}}' 'the policy has no document "acceptance_from"; did you mean "acceptance_form"?'
bad 'paging' '{at: 09:01, expect: {paged: [li]}}' '"paged" is not carried out by this version'
bad 'an indicator' '{at: 09:01, expect: {indicator: {revisit_rat 2025-03: met}}}' 'there is no indicator "revisit_rat"; did you mean "revisit_rate"?'
bad 'nobody told' '{at: 09:01, expect: {told: []}}' 'That nobody was told is expected by'
bad 'a period' '{at: 09:01, expect: {indicator: {revisit_rate: met}}}' 'name the period, as "revisit_rate 2025-03"'
bad 'a service' '{at: 09:01, down: watchdgo}' 'there is no service "watchdgo"; did you mean "watchdog"?'
bad 'nothing' '{at: 09:01}' 'this line does nothing'
bad 'nobody' '{at: 09:01, do: arrive r1}' '"by" is missing'
scenario x '{at: 09:01}'
sed -i 's/li: duty_officer/li: duty_officer in customer_service_center/' "$work/scenario.yaml"
expect 'a department' 2 'given.people.li: the policy has no department "customer_service_center"' rehearse "$work/scenario.yaml"
scenario x '{at: 09:01}'
sed -i 's/li: duty_officer/li: duty_offcer in customer_service_centre/' "$work/scenario.yaml"
expect 'a post in a department' 2 'the policy has no post "duty_offcer"; did you mean "duty_officer"?' rehearse "$work/scenario.yaml"
printf 'scenario: [\n' >"$work/scenario.yaml"
expect 'no YAML' 2 'no valid YAML' rehearse "$work/scenario.yaml"
printf 'a: &x 1\n' >"$work/scenario.yaml"
expect 'an anchor' 2 'anchors' rehearse "$work/scenario.yaml"
: >"$work/scenario.yaml"
expect 'an empty file' 2 'holds no scenario' rehearse "$work/scenario.yaml"
expect 'mistakes as JSON' 2 '"runs":[],"rehearsed":0,"different":0,"mistakes":[{"file":' "$hearback" --json policy rehearse "$work/scenario.yaml"
expect 'no file' 2 'cannot be read' rehearse "$work/nowhere.yaml"
expect 'no argument' 2 'policy rehearse' "$hearback" policy rehearse
scenario x '{at: 09:01, expect: {lat: r1.on_site}}'
expect 'in Chinese' 2 '此处没有 "lat"，是否指 "late"？' "$hearback" policy rehearse "$work/scenario.yaml"

# ---- the same bytes, wherever and whenever ----
scenario x '{at: +7 min 30 s, expect: {warning: r1.on_site}}' '{at: 09:10, by: zhou, do: arrive r1}' '{at: 2025-03-10 09:00, expect: {stage: {r1: handling}}}'
sed -i 's/^run:/ignore: [late, warning]\nrun:/' "$work/scenario.yaml"
rehearse "$work/scenario.yaml" >"$work/one"
(cd "$work" && TZ=America/New_York LC_ALL=C LANG=de_DE TMPDIR=/tmp rehearse scenario.yaml >"$work/two")
sleep 1.1
rehearse "$work/scenario.yaml" >"$work/three"
cmp "$work/one" "$work/two" && cmp "$work/one" "$work/three" || { echo "FAILED the same bytes"; failed=1; }
[ "$(wc -l <"$work/one")" -gt 20 ] || { echo "FAILED the timeline of a week is missing"; failed=1; }


# ---- notices say the facts of the case, in both languages; a week takes no time ----
cat >"$work/plan.yaml" <<'EOF'
scenario: PROP-11-12
title: [计划说明, The plan]
ignore: [warning, late]
run:
  - {at: 2025-03-03 09:00, by: duty_officer, do: register complaint c1, with: {category: water}}
  - {at: 09:01, by: repair_technician, do: accept c1}
  - {at: 09:02, by: repair_technician, do: make_plan c1, with: {plan: 更换水管, plan_by: 2025-04-30 18:00}}
  - {at: 2025-03-10 09:02, expect: {stage: {c1: planned}}}
EOF
expect 'a fact in a notice' 0 'the plan with your tracking code' rehearse "$work/plan.yaml"
grep -qF 'planned to be done by 2025-04-30 18:00' "$work/out" || { echo "FAILED the fact is not filled in"; failed=1; }
grep -qF '更换水管' "$work/out" && { echo "FAILED a sealed text stands in the timeline"; failed=1; }
expect 'a fact in a notice, in Chinese' 0 '预计 2025-04-30 18:00 完成' "$hearback" policy rehearse "$work/plan.yaml"
from=${EPOCHREALTIME/./}
rehearse --quiet "$work/plan.yaml" >/dev/null
echo "a week of one complaint: $(((${EPOCHREALTIME/./} - from) / 1000)) ms"

# ---- checking packs ----
expect 'sound packs' 0 'PROP-11: 0 mistakes' "$hearback" policy check --language en PROP-11 GEN-FRAME boston-311
expect 'no such pack' 1 'there is no pack "NOPE"' "$hearback" policy check --language en NOPE
mkdir "$work/MINE"
printf 'pack: MINE\nname: [我的, Mine]\nextends: GEN-FRAME\nkinds:\n  complaint:\n    clocks:\n      acept: {clause: X, name: [甲, A], start: registered, stop: acepted, limit: 3 days}\n' >"$work/MINE/pack.yaml"
expect 'a folder with a mistake' 1 'MINE/pack.yaml:7: kinds.complaint.clocks.acept: "acepted" is no stage, step or field of complaint' "$hearback" policy check --language en "$work/MINE"
mkdir "$work/LISTS"
printf 'pack: LISTS\nname: [名册, Lists]\nextends: GEN-FRAME\nkinds:\n  complaint:\n    rules:\n      all: {clause: X, when: accepted, then: {tell: reply, each: lst.members}}\n' >"$work/LISTS/pack.yaml"
expect 'a list that no field names' 1 'each: "lst.members" is for `tell` only, and what stands before the dot is a field of type: case' "$hearback" policy check --language en "$work/LISTS"
six=(PROP-11 PROP-CO PROP-FEEDBACK PROP-REVISIT PROP-COMPLAINT PROP-NOTICE)
# ---- every mistake at once: what does not compile hides nothing, and makes none of its own ----
mkdir -p "$work/FOUR"
cat >"$work/FOUR/pack.yaml" <<'PACK'
pack: FOUR
name: [四, Four]
extends: GEN-FRAME
clauses: {FOUR-3: [丙, Three]}
kinds:
  complaint:
    fields: {seal: {clause: FOUR-33, name: [甲, A], type: name}}
    stages: {limbo: working}
    steps: {sink: {clause: FOUR-3, name: [沉, Sink], from: accepted, to: limbo, by: handler}}
    rules:
    clocks: {slow: {clause: FOUR-3, name: [慢, Slow], start: accepted, stop: [handled, closed, withdrawn], limit: 2 hours}}
notices:
  nobody: {clause: FOUR-3, name: [无, None], to: [], by: [email], subject: [无, None], text: [无, None]}
PACK
four() { "$hearback" policy check --language en --packs "$work" FOUR; }
expect 'all of them' 1 'FOUR: 5 mistakes, 1 warnings' four
expect 'a unit that there is not' 1 'FOUR/pack.yaml:11: kinds.complaint.clocks.slow: "2 hours" is no time' four
expect 'a dead end, of the kind it belongs to' 1 'FOUR/pack.yaml:8: kinds.complaint.stages.limbo: a dead end' four
expect 'a clause that there is not' 1 'FOUR/pack.yaml:7: kinds.complaint.fields.seal: there is no clause "FOUR-33"; did you mean "FOUR-3"?' four
expect 'a notice to nobody' 1 'FOUR/pack.yaml:13: notices.nobody: told to nobody' four
expect 'a section that is empty, and what stands below it' 1 'FOUR/pack.yaml:10: kinds.complaint.rules: rules: a map is accepted here' four
cp "$work/FOUR/pack.yaml" "$work/FOUR/a.yaml"
sed -i 's/2 hours/2 h/' "$work/FOUR/a.yaml"
expect 'two files that differ' 1 'FOUR/pack.yaml:11: kinds.complaint.clocks.slow.limit: this pack says it otherwise in FOUR/a.yaml:11: keep one of the two' four

# ---- posts that nobody holds ----
printf '{"sites": [{"id": "teahouse"}], "people": [{"id": "mei", "posts": [{"site": "teahouse", "post": "duty_officer"}]}]}' >"$work/people.json"
expect 'a level that reaches nobody' 0 'nobody at teahouse holds the post property_supervisor: there it reaches nobody' \
  "$hearback" policy check --language en --organisation "$work/people.json" PROP-11
expect 'in Chinese, too' 0 'teahouse 无人担任岗位 property_supervisor' "$hearback" policy check --organisation "$work/people.json" PROP-11
expect 'a roster that nobody is on' 0 'rosters.lift_shift: nobody at teahouse holds a post of this roster (lift_operator)' \
  "$hearback" policy check --language en --organisation "$work/people.json" HOSP-PROPERTY-LIFT
expect 'a certificate that nobody has' 0 'kinds.repair.rules.electric_taken: nobody at teahouse holds the certificate "electrician"' \
  "$hearback" policy check --language en --organisation "$work/people.json" HOSP-PROPERTY-HR
expect 'no YAML, in Chinese' 1 'LAME/pack.yaml:2: 不是有效的 YAML：此处不能有“键: 值”' \
  bash -c "mkdir -p '$work/LAME'; printf 'pack: LAME\nname: a: b\n' >'$work/LAME/pack.yaml'; '$hearback' policy check --packs '$work' LAME"
expect 'a file that is no organisation' 2 'people.json:2: ' bash -c "echo '{' >'$work/people.json'; '$hearback' policy check --organisation '$work/people.json' PROP-11"

expect 'what six packs say differently' 0 'kinds.complaint.steps.dispatch.by: it differs from' "$hearback" policy check --language en --together "${six[@]}"
settled() { "$hearback" policy check --language en --together "${six[@]}" SITE-PROPERTY | grep -q 'to settle it' || echo settled; }
expect 'a rule whose step another pack bars' 0 'kinds.complaint.rules.dispatched.then: it takes the step dispatch, for which PROP-COMPLAINT/pack.yaml' "$hearback" policy check --language en --together "${six[@]}"
expect 'a pack of the site settles it' 0 'settled' settled
expect 'it is listed last' 1 'the pack that settles is listed last' "$hearback" policy check --language en --together SITE-PROPERTY PROP-11
expect 'sound packs as JSON' 0 '"pack":"boston-311","sound":true' "$hearback" --json policy check boston-311
expect 'a mistake as JSON' 1 '"line":7,"field":"kinds.complaint.clocks.acept","warning":false' "$hearback" --json policy check "$work/MINE"
expect 'no argument to check' 2 'policy check' "$hearback" policy check

# ---- another version, in words ----
diff_of() { "$hearback" policy diff --language en --packs "$work" "$@"; }
cp -r "$work/MINE" "$work/OLD" && mkdir "$work/NEW"
cat >"$work/OLD/pack.yaml" <<'EOF'
pack: OLD
name: [制度, Policy]
extends: GEN-FRAME
settings:
  plan_within: {clause: X-1, value: 3 working days, name: [计划时限, Limit of the plan]}
kinds:
  complaint:
    fields: {plan: {clause: X-1, name: [计划, Plan], type: text}}
    steps: {plan: {clause: X-1, name: [列计划, Plan], from: handling, by: handler, needs: [plan, solution]}}
    rules: {early: {clause: X-2, before: plan, if: {severity: major}, refuse: [不可, Not so]}}
    never: {staff: {clause: X-3, who: handler, do: close}}
EOF
sed -e 's/pack: OLD/pack: NEW/' -e 's/3 working days/5 working days/' -e 's/by: handler, needs: \[plan, solution\]/by: [handler, lead], needs: [plan]/' \
  -e '/early:/d' -e '/never:/d' "$work/OLD/pack.yaml" >"$work/NEW/pack.yaml"
expect 'the same policy' 0 '0 added, 0 removed, 0 changed; 0 loosen' diff_of OLD OLD
expect 'several of one site' 0 '0 added, 0 removed, 0 changed; 0 loosen' diff_of OLD,PROP-FEEDBACK OLD,PROP-FEEDBACK
expect 'one more of one site' 1 '+ post Guard  [PROP-FEEDBACK-13]' diff_of OLD OLD,PROP-FEEDBACK
expect 'another policy' 1 '0 added, 2 removed, 3 changed; 5 loosen' diff_of OLD NEW
expect 'a longer time' 1 '~ setting Limit of the plan › value: 3 working days → 5 working days  (loosens)' diff_of OLD NEW
expect 'more people' 1 '~ kind Complaint › step Plan › by: handler → handler, lead department  (loosens)' diff_of OLD NEW
expect 'fewer demands' 1 '~ kind Complaint › step Plan › needs: Plan, Proposed solution → Plan  (loosens)' diff_of OLD NEW
expect 'a guard gone' 1 '- kind Complaint › rule no. 24: before Plan, if Severity is Major, refused with Not so  [X-2]  (loosens)' diff_of OLD NEW
expect 'an exclusion gone' 1 '- kind Complaint › exclusion no. 1: who handler, do Close  [X-3]  (loosens)' diff_of OLD NEW
expect 'the other way nothing loosens' 1 '; 0 loosen' diff_of NEW OLD
cp -r "$work/OLD" "$work/LADDER"
cat >>"$work/LADDER/pack.yaml" <<'EOF'
ladders: {default: {rows: [{at: warning, tell: [handler, head of lead]}, {at: late, tell: coordinator}]}}
indicators: {on_time_closure: {target: {at_least: 90 %}}}
patterns: {alike: {clause: X-4, of: [complaint], same: [category], within: 7 days, count: 5, then: {open: report, link: alike}}}
EOF
sed -i 's/pack: OLD/pack: LADDER/' "$work/LADDER/pack.yaml"
cp -r "$work/LADDER" "$work/WIDER" && sed -i -e 's/pack: LADDER/pack: WIDER/' -e 's/within: 7 days/within: 14 days/' -e 's/if: {severity: major}/if: {severity: major, plan: present}/' "$work/WIDER/pack.yaml"
expect 'a row of a ladder gone' 1 'ladder default › rows: at Warning, tell handler, head of lead department; at Late, tell Coordinator; at 150 %, tell General manager →' diff_of OLD LADDER
expect 'it loosens, and so does a lower target' 1 '; 2 loosen' diff_of OLD LADDER
expect 'the target in words' 1 '~ indicator Closed on time › target › at least: 95 % → 90 %  (loosens)' diff_of OLD LADDER
expect 'a wider window of a pattern finds more' 1 '; 0 loosen' diff_of LADDER WIDER
expect 'and in the other language' 1 '同类 alike › 期间: 7 天 → 14 天' "$hearback" policy diff --language zh-CN --packs "$work" LADDER WIDER
expect 'a condition in words' 1 '规则 第 24 条 › 若 › 计划: 已填' "$hearback" policy diff --language zh-CN --packs "$work" LADDER WIDER
expect 'as data' 1 '"path":"kinds.complaint.never.staff"' diff_of --json OLD NEW
expect 'no such pack to compare' 2 'NOPE has mistakes' diff_of OLD NOPE
expect 'one pack only' 2 'policy diff' diff_of OLD

# ---- a notice that everybody may read: more of it to more people, or for longer, loosens ----
mkdir "$work/SHUT" "$work/BOARD" "$work/WIDE"
cat >"$work/BOARD/pack.yaml" <<'EOF'
pack: BOARD
name: [公告, Board]
extends: GEN-FRAME
kinds:
  poster:
    like: report
    clause: Y-1
    name: [海报, Poster]
    fields: {wording: {clause: Y-1, name: [内容, Wording], type: open_text}, until: {clause: Y-1, name: [有效期, Valid until], type: time}}
    public_notice: {in: done, fields: [wording], until: until, if: {wording: present}}
EOF
sed -e 's/pack: BOARD/pack: SHUT/' -e '/public_notice:/d' "$work/BOARD/pack.yaml" >"$work/SHUT/pack.yaml"
sed -e 's/pack: BOARD/pack: WIDE/' -e 's/{in: done.*/{in: [open, done], fields: [wording, until]}/' "$work/BOARD/pack.yaml" >"$work/WIDE/pack.yaml"
expect 'shown to everybody' 1 '+ kind Poster › public_notice: in Retired, fields Wording, until Valid until, if Wording is filled in  (loosens)' diff_of SHUT BOARD
expect 'shown to nobody any more' 1 '0 added, 1 removed, 0 changed; 0 loosen' diff_of BOARD SHUT
expect 'in more stages' 1 '~ kind Poster › public_notice › in: Retired → Draft, Retired  (loosens)' diff_of BOARD WIDE
expect 'more of it' 1 'Wording → Wording, Valid until  (loosens)' diff_of BOARD WIDE
expect 'to no end' 1 '- kind Poster › public_notice › until: Valid until  (loosens)' diff_of BOARD WIDE
expect 'whatever it is like' 1 '- kind Poster › public_notice › if: Wording is filled in  (loosens)' diff_of BOARD WIDE
expect 'less of it' 1 '2 added, 0 removed, 2 changed; 0 loosen' diff_of WIDE BOARD

# ---- the matrix of clauses: every status, from packs and scenarios of its own ----
mkdir -p "$work/packs/TINY" "$work/shown/TINY"
cat >"$work/packs/TINY/pack.yaml" <<'EOF'
pack: TINY
name: [小, Tiny]
extends: GEN-FRAME
clauses:
  TINY-1: [夜间, By night]
  TINY-2: [无人执行, Nobody carries it]
  TINY-3: [士气, Morale]
  TINY-4: [未演示, Not shown]
organisational: {TINY-3: [人事, A matter of people]}
kinds:
  complaint:
    rules:
      night: {clause: TINY-1, before: accept, if: {registered_at: {after: "22:00"}}, refuse: [夜间不受理, Not by night]}
      never: {clause: TINY-4, before: archive, if: {category: hazard}, refuse: [不归档, Not archived]}
EOF
tiny() { # HOUR: a case of that hour is refused
  printf 'scenario: TINY-1\ntitle: [夜间, By night]\npacks: [TINY]\nrun:\n' >"$work/shown/TINY/TINY-1.yaml"
  printf '  - {at: 2025-03-03 %s, by: receptionist, do: register complaint c1, with: {category: service}}\n' "$1" >>"$work/shown/TINY/TINY-1.yaml"
  printf '  - {at: %s, by: coordinator, do: accept c1, refused: TINY-1}\n' "$1" >>"$work/shown/TINY/TINY-1.yaml"
}
clauses() { "$hearback" clauses --language en --packs "$work/packs" --scenarios "$work/shown" "$@"; }
tiny 22:01
expect 'what is shown has passed' 1 'TINY/TINY-1.yaml:1' clauses
expect 'and is counted' 1 'TINY                       4 clauses: 1 passed (0 in part), 0 failed, 2 missing, 1 organisational' clauses
expect 'what no rule carries' 1 '"id":"TINY-2","name":"Nobody carries it","status":"missing","rule":"","scenario":"","reason":"no rule carries it"' clauses --json
expect 'what no scenario shows' 1 '"reason":"no scenario shows it"' clauses --json
expect 'what no software can' 1 '"status":"organisational","rule":"","scenario":"","reason":"A matter of people"' clauses --json
expect 'where the rule stands' 1 'TINY/pack.yaml:13 kinds.complaint.rules.night' clauses TINY
tiny 21:59
expect 'what differs has failed' 1 'TINY/TINY-1.yaml:6' clauses
expect 'and says why' 1 'expected to be refused, but it was done: accept' clauses --left
expect 'no such system' 1 'there is no pack "NOPE"' clauses NOPE
expect 'clauses without a folder' 1 'a folder with scenarios' "$hearback" clauses --scenarios "$work/nowhere"
expect 'clauses with a word too many' 2 'hearback clauses' "$hearback" clauses --nonsense

exit $failed
