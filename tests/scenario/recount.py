#!/usr/bin/python3
"""The yearly statistics form (投诉统计表, HOSP-PROPERTY-FM-07) against a naive recount: complaints of two years and what is none,
some of another category afterwards, are counted here from what was entered, and the form has to say the same.
  recount.py HEARBACK"""
import collections, datetime, random, subprocess, sys, tempfile

CATEGORIES = {"engineering": "engineering_department", "cleaning": "cleaning_department", "security": "security_department",
              "staff": "customer_service_department", "hazard": "engineering_department"}

random.seed(2)
steps, cases = [], []
at = datetime.datetime(2024, 12, 29, 9)
while at.year < 2026:
    kind = random.choices(["complaint", "repair", "inquiry"], [6, 1, 1])[0]
    category = random.choices(list(CATEGORIES), [9, 5, 4, 2, 1])[0]
    department = CATEGORIES[category]  # amending the category gives it to nobody else
    name = f"{kind[0]}{len(cases) + 1}"
    steps.append(f"  - {{at: {at:%Y-%m-%d %H:%M}, by: ren, do: register {kind} {name}, with: {{channel: phone, category: {category}}}}}")
    if random.random() < 0.2:
        category = random.choice(list(CATEGORIES))
        steps.append(f"  - {{at: {at + datetime.timedelta(minutes=1):%Y-%m-%d %H:%M}, by: ren, do: amend {name}, with: {{category: {category}}}}}")
    cases.append((kind, at.year, category, department))
    at += datetime.timedelta(days=random.randint(1, 11), minutes=random.randint(-500, 800))
steps.append("  - {at: 2025-12-31 23:58, by: ren, do: register complaint last, with: {channel: phone, category: cleaning}}")
cases.append(("complaint", 2025, "cleaning", "cleaning_department"))
steps.append("  - {at: 2026-01-01 00:00, by: ren, do: register complaint next, with: {channel: phone, category: cleaning}}")

of_year = [(category, department) for kind, year, category, department in cases if kind == "complaint" and year == 2025]


def by(values):
    counted = collections.Counter(values)
    assert len(set(counted.values())) == len(counted) > 2, counted  # no ties, so that the order is known
    return ", ".join(f"{name} {count}" for name, count in counted.most_common())


assert len(of_year) > 30
expect = (f"{{s.period: '2025', s.received: {len(of_year)}, s.by_category: '{by(one[0] for one in of_year)}', "
          f"s.by_department: '{by(one[1] for one in of_year)}'}}")
steps.append(f"  - {{at: 2026-01-01 06:00, expect: {{opened: {{statistics: s}}, field: {expect}}}}}")

with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
    people = "{ren: receptionist, kang: coordinator, zhou: engineer, xie: customer_service_head, wang: general_manager}"
    file.write(f"scenario: HOSP-PROPERTY-FM-07\npacks: [HOSP-PROPERTY-FM]\ntitle: [统计表与逐件重数一致, The statistics equal a naive recount]\n"
               f"given: {{people: {people}}}\nignore: [warning, late, opened, problem]\nrun:\n" + "\n".join(steps) + "\n")
    file.flush()
    sys.exit(subprocess.run([sys.argv[1], "policy", "rehearse", "--quiet", "--language", "en", file.name]).returncode)
