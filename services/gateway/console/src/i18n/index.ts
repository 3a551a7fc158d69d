import { createI18n } from "vue-i18n";
import type { Label } from "../api/http";
import { speak } from "../api/http";
import en from "./en";
import zh from "./zh-CN";

export type Language = "zh-CN" | "en";
const KEPT = "hearback.language";

/** A text that is nowhere is said aloud: the browser tests look for it. */
function missing(locale: string, key: string): string {
  console.error(`missing translation: ${locale} ${key}`);
  document.documentElement.dataset.missing = `${document.documentElement.dataset.missing ?? ""} ${locale}:${key}`;
  return key;
}

function first(): Language {
  const kept = localStorage.getItem(KEPT) ?? navigator.language;
  return kept.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

export const i18n = createI18n({ legacy: false, locale: first(), fallbackLocale: false as const, messages: { "zh-CN": zh, en }, missing, missingWarn: false, fallbackWarn: false });

export function setLanguage(language: Language): void {
  i18n.global.locale.value = language;
  document.documentElement.lang = language;
  localStorage.setItem(KEPT, language);
  speak(language);
}

export function currentLanguage(): Language {
  return i18n.global.locale.value as Language;
}

/** A text of the policy or the organisation; the other language where one is lacking, as the policy has no more. */
export function said(label: Label | undefined, otherwise = "", language = currentLanguage()): string {
  if (!label) return otherwise;
  return (language === "en" ? label.en || label.zh : label.zh || label.en) || otherwise;
}

/** An account is called what its owner calls it; `operator` is whoever runs the system. */
export function accountName(account = ""): string { return account === "operator" ? i18n.global.t("audit.operator") : account; }

setLanguage(first());
