// Letters: documents of the policy that are a text of the case. What a draft begins with, and what is laid before who approves it.
import type { CaseFile, DocumentDef, Kind, Policy } from "../api/types";
import { currentLanguage, type Language } from "../i18n";

export function letterOf(policy: Policy | undefined, field: string): DocumentDef | undefined {
  return policy?.documents?.find(one => one.of === field);
}

/** What the complainant reads: his language, where the case knows it, else that of whoever writes. */
export function languageOf(file: CaseFile): Language {
  const told = file.party?.language;
  return told ? (told.toLowerCase().startsWith("zh") ? "zh-CN" : "en") : currentLanguage();
}

/** The policy's words in the complainant's language, with what the case knows in them. */
export function draftOf(letter: DocumentDef, file: CaseFile, valueOf: (field: string) => string): string {
  const words = letter.draft?.[languageOf(file) === "en" ? "en" : "zh"] || letter.draft?.zh || "";
  const text = (field: string) => file.texts?.find(one => one.name === field)?.text?.plain;
  return words.replace(/\{([^}]+)\}/g, (_, field: string) => field === "number" ? file.number : text(field) || valueOf(field) || "…");
}

/** The texts that a step decides about: who signs or refuses decides about those that wait for an approval. */
export function decidedBy(step: string, file: CaseFile, kind: Kind | undefined): string[] {
  if (!["sign", "refuse"].includes(step)) return [];
  const asked = (name: string) => file.facts?.find(fact => fact.name === name)?.value?.text === "asked";
  return (kind?.chains ?? []).filter(one => one.of && asked(one.name)).map(one => one.of!);
}
