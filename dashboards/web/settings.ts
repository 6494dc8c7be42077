import { computed, ref, watchEffect } from 'vue';
import { type Language, textIn } from './i18n/text.ts';

const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

// A browser may forbid storage: then a choice lasts as long as the page.
function kept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // See above.
  }
}

/** Chinese unless somebody chose otherwise. */
export const language = ref<Language>(kept('greenpark.language') === 'en' ? 'en' : 'zh-CN');
export const theme = ref<Theme>(THEMES.find((each) => each === kept('greenpark.theme')) ?? 'auto');
export const text = computed(() => textIn(language.value));

/** Raised when the colours changed, for what is drawn on a canvas. */
export const colours = ref(0);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => colours.value++);

watchEffect(() => {
  document.documentElement.lang = language.value;
  keep('greenpark.language', language.value);
});
watchEffect(() => {
  if (theme.value === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme.value;
  keep('greenpark.theme', theme.value);
  colours.value++;
});

export const switchLanguage = (): void => {
  language.value = language.value === 'en' ? 'zh-CN' : 'en';
};
export const switchTheme = (): void => {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'auto';
};
