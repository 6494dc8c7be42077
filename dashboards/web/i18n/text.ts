import { en } from './en.ts';
import { type TextKey, zh } from './zh.ts';

const LANGUAGES = ['zh-CN', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Gives the sentence for a key with `{name}` filled in; a missing parameter stays visible as `{name}`. */
export type Text = (key: TextKey, values?: Readonly<Record<string, string | number>>) => string;

const DICTIONARIES: Readonly<Record<Language, Readonly<Record<TextKey, string>>>> = { 'zh-CN': zh, en };

export function textIn(language: Language): Text {
  const dictionary = DICTIONARIES[language];
  return (key, values = {}) => dictionary[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The word for something that others may add to (a reason, a part, a metric): where no word is known, `name` as it is. */
export function wordFor(
  text: Text,
  group: 'confidence' | 'quality' | 'ingest.reason' | 'ingest.advice' | 'ingest.label' | 'ingest.part' | 'ingest.transport',
  name: string,
): string {
  const key = `${group}.${name}`;
  return Object.hasOwn(zh, key) ? text(key as TextKey) : name;
}

/** A registered name in the reader's language; names without an English one stay Chinese. */
export const nameIn = (language: Language, of: { readonly name: string; readonly nameEn?: string | null }): string =>
  language === 'en' && of.nameEn ? of.nameEn : of.name;

/** What an enterprise does, in the reader's language. */
export const tradeIn = (language: Language, of: { readonly trade: string; readonly tradeEn?: string | null }): string =>
  language === 'en' && of.tradeEn ? of.tradeEn : of.trade;
