import { Format } from '../../../dashboards/web/format.ts';
import { type Language, textIn } from '../../../dashboards/web/i18n/text.ts';
import type { Reader } from '../../../dashboards/web/views/reader.ts';

/** Somebody who looks at `now` in the park's zone. */
export const readerFor = (language: Language, now: number, zone = 'Asia/Shanghai'): Reader => ({
  text: textIn(language),
  format: new Format(language, zone),
  language,
  now,
});
