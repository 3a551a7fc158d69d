// Fields of the policy: what a form asks, what it sends, and how a fact is read.
import type { CaseFile, Fact, FieldDef, Kind, Value } from "../api/types";
import { currentLanguage, i18n, said, type Language } from "../i18n";
import type { useDirectory } from "../stores/directory";
import { format, isoOf } from "./time";

export type Entered = Record<string, string>;

/** A field as the policy has it; one that it does not define is asked as text. */
export function fieldDef(kind: Kind | undefined, name: string): FieldDef {
  return kind?.fields?.find(one => one.name === name) ?? { name, type: "TEXT" };
}

/** As the policy calls a channel, else as we do; one that neither knows (an import's) as it is. */
export function channelName(kind: Kind | undefined, name: string): string {
  const label = kind?.fields?.find(one => one.name === "channel")?.one_of?.find(one => one.name === name)?.label, key = `channel.${name}`;
  return said(label) || (i18n.global.te(key) ? i18n.global.t(key) : name);
}

/** Nothing of it is shown, not in part either, before it is said what for: it is confidential. */
export function isClosed(file: CaseFile): boolean { return file.unopened?.code === "purpose_needed"; }
/** Is there more to see for who says what for? */
export function needsPurpose(file: CaseFile): boolean { return Boolean(file.masked) || isClosed(file); }
/** What stands for a text that is not open. */
export function sealedWords(file: CaseFile): string { return i18n.global.t(isClosed(file) ? "case.closed" : "case.sealed"); }

/** What belongs to a field of parts or a checklist: `points.matter` of `points`. */
export function inner(kind: Kind | undefined, name: string): FieldDef[] {
  return (kind?.fields ?? []).filter(one => one.name.startsWith(`${name}.`));
}

/** As the field's input holds it, and as /actions takes it. */
export function textOf(value: Value | undefined, def: FieldDef): string {
  if (!value) return "";
  if (value.yes !== undefined) return value.yes ? "yes" : "no";
  if (value.time) return value.time.slice(0, 16);
  if (value.money_fen) return (Number(value.money_fen) / 100).toFixed(2);
  if (def.type === "DURATION" && value.duration_ms) return `${Math.round(Number(value.duration_ms) / 60000)} min`;
  return value.text ?? value.number ?? "";
}

/** As a person reads it. `plain`: the texts of the case that were opened. */
export function shown(fact: Fact, file: CaseFile, kind: Kind | undefined, directory: ReturnType<typeof useDirectory>, words: { yes: string; no: string; sealed: string; days: string; hours: string; minutes: string; comma: string }): string {
  const value = fact.value, def = fieldDef(kind, fact.name), language = currentLanguage();
  if (!value) return "";
  if (value.present) {
    const text = file.texts?.find(one => one.name === fact.name)?.text;
    return text?.plain ?? words.sealed;
  }
  if (value.yes !== undefined) return value.yes ? words.yes : words.no;
  if (value.time) return format(value.time, directory.zone(file.site), language);
  if (value.money_fen !== undefined) return (Number(value.money_fen) / 100).toFixed(2);
  if (value.duration_ms !== undefined) {
    const minutes = Math.round(Number(value.duration_ms) / 60000);
    return minutes % 1440 === 0 ? `${minutes / 1440} ${words.days}` : minutes % 60 === 0 ? `${minutes / 60} ${words.hours}` : `${minutes} ${words.minutes}`;
  }
  if (value.texts) return (Array.isArray(value.texts) ? value.texts : value.texts.text ?? []).map(one => nameOf(one, def, file, directory)).join(words.comma);
  return value.number ?? nameOf(value.text ?? "", def, file, directory);
}

function nameOf(text: string, def: FieldDef, file: CaseFile, directory: ReturnType<typeof useDirectory>, language = currentLanguage()): string {
  const choice = def.one_of?.find(one => one.name === text);
  if (choice) return said(choice.label, text, language);
  if (def.type === "PERSON" || ["handler", "first_contact", "co_owner"].includes(def.name) || def.name.startsWith("taker.")) return directory.person(text);
  if (def.type === "DEPARTMENT" || ["lead", "joint"].includes(def.name)) return directory.department(file.site, text, language);
  if (def.type === "THING") return said(directory.thing(file.site, text)?.name, text, language);
  if (def.type === "FILE") return file.attachments?.find(one => one.file === text)?.file_name?.plain ?? text;
  return text;
}

/** What a form holds, as a person reads it. */
export function shownText(text: string, def: FieldDef, file: CaseFile, directory: ReturnType<typeof useDirectory>, language: Language): string {
  return def.type === "TIME" && text ? format(isoOf(text, directory.zone(file.site)), directory.zone(file.site), language) : nameOf(text, def, file, directory, language);
}

/** Has something been written that was not there at the beginning? */
export function typed(entered: Entered, begun: Entered = {}): boolean {
  return Object.entries(entered).some(([name, text]) => (text ?? "").trim() !== (begun[name] ?? "").trim());
}

/** Only what was filled in; a text that is only blanks was not. */
export function filled(entered: Entered): Entered {
  return Object.fromEntries(Object.entries(entered).filter(([, text]) => text.trim() !== "").map(([name, text]) => [name, text.trim()]));
}
