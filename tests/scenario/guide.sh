#!/usr/bin/env bash
# guide.sh HEARBACK GUIDE.md: the author's guide is true: its files, taken from the page, check and rehearse as it says.
set -euo pipefail
hearback=$1 guide=$2
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir "$place/TEA"
python3 - "$guide" "$place" <<'END'
import os, re, sys
for name, text in re.findall(r"```yaml\n# (\S+)\n(.*?)```", open(sys.argv[1], encoding="utf-8").read(), re.S):
    open(os.path.join(sys.argv[2], name), "w", encoding="utf-8").write(text)
END
cd "$place"
mv TEA/figures.yaml later.yaml # its last two steps
mv TEA/office.yaml last.yaml
mv TEA/notices.yaml notice_pack.yaml
said=$("$hearback" policy check --language en ./TEA)
grep -q "./TEA: 0 mistakes" <<<"$said" && ! grep -q "TEA-" <<<"$said" || { echo "$said"; exit 1; }
"$hearback" policy rehearse --language en --packs . tea.yaml >rehearsed || { cat rehearsed; exit 1; }
for line in 'routed  shop / mei (otherwise)  \[TEA-1\]' '^3 rehearsed, 0 different'; do
  grep -q "$line" rehearsed || { echo "not said: $line"; cat rehearsed; exit 1; }
done
"$hearback" policy rehearse --quiet --packs . --keep past tea.yaml >/dev/null
mkdir new && cp -r TEA new && sed -i 's/value: 1 h,/value: 30 min,/' new/TEA/complaint.yaml
"$hearback" policy whatif --language en --logs past ./new/TEA --since 2025-03-01 >changed && { echo "whatif found nothing"; exit 1; }
sed -n '/policy whatif --language en --logs past/,/^$/p' "$guide" | sed '1d; /^$/d; s/^    //' | diff - changed || { echo "the guide says otherwise of whatif"; exit 1; }
mkdir last && cp -r TEA last && cp later.yaml last/TEA/figures.yaml
said=$("$hearback" policy check --language en ./last/TEA)
grep -q "./last/TEA: 0 mistakes" <<<"$said" && ! grep -q "TEA-" <<<"$said" || { echo "$said"; exit 1; }
said=$("$hearback" policy rehearse --quiet --language en --packs last figures.yaml) && grep -q '^1 rehearsed, 0 different' <<<"$said" || { echo "$said"; exit 1; }
cp last.yaml last/TEA/office.yaml
said=$("$hearback" policy check --language en ./last/TEA)
grep -q "./last/TEA: 0 mistakes" <<<"$said" && [[ $(grep -c "the department office" <<<"$said") == 2 ]] || { echo "$said"; exit 1; }
said=$("$hearback" policy rehearse --quiet --language en --packs last office.yaml) && grep -q '^1 rehearsed, 0 different' <<<"$said" || { echo "$said"; exit 1; }
cp notice_pack.yaml last/TEA/notices.yaml
said=$("$hearback" policy rehearse --quiet --language en --packs last notices.yaml) && grep -q '^1 rehearsed, 0 different' <<<"$said" || { echo "$said"; exit 1; }
sed 's/{tell: spoilt_found}/{tell: spoilt_fond}/' -i TEA/rules.yaml
"$hearback" policy check --language en ./TEA >misspelt && { echo "a misspelt notice was not found"; exit 1; }
grep -qF "$(grep -o 'TEA/rules.yaml:.*' "$guide")" misspelt || { echo "the guide says otherwise:"; cat misspelt; exit 1; }
rm TEA/rules.yaml TEA/complaint.yaml TEA/people.yaml # as it stands after its first step
grep -q 'warning: TEA/clauses.yaml:2: clauses.TEA-1: no rule carries this clause' <<<"$("$hearback" policy check --language en ./TEA)"
grep -q '"registered"' <<<"$("$hearback" policy flow --dot --packs . TEA complaint)"
