import type { Format } from '../format.ts';
import type { Language, Text } from '../i18n/text.ts';

/** Who looks, and when: all that a view takes besides the data. `now` is the service's time, in ms. */
export interface Reader {
  readonly text: Text;
  readonly format: Format;
  readonly language: Language;
  readonly now: number;
}
