import { type ComputedRef, computed } from 'vue';
import { Format } from './format.ts';
import { model, now } from './live/connection.ts';
import { session } from './session.ts';
import { language, text } from './settings.ts';
import type { Reader } from './views/reader.ts';

const zone = computed(() => model.value?.park.timeZone ?? session.value?.parks[0]?.timeZone ?? 'Asia/Shanghai');
/** Formatter in the language chosen and the park's zone; a new one only when either changes. */
export const format = computed(() => new Format(language.value, zone.value));
/** Who looks, now. Renewed each second. */
export const reader: ComputedRef<Reader> = computed(() => ({ text: text.value, format: format.value, language: language.value, now: now.value }));
