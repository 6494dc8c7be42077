import type { AirQuality } from '../../../model/live.ts';
import type { Figure } from '../format.ts';
import { quantityName } from './meters.ts';
import type { Reader } from './reader.ts';

export interface AirView {
  readonly meter: string;
  readonly aqi: string | null;
  readonly level: NonNullable<AirQuality['level']> | null;
  readonly levelName: string;
  readonly primary: string | null;
  readonly hour: string;
  readonly standard: string;
  readonly items: readonly { readonly quantity: string; readonly name: string; readonly mean: Figure; readonly iaqi: string }[];
}

export function airView(air: AirQuality, { text, format, language }: Reader): AirView {
  return {
    meter: air.meter,
    aqi: air.aqi === null ? null : format.number(air.aqi, 0),
    level: air.level,
    levelName: air.level === null ? text('park.air.none') : text(`air.${air.level}`),
    primary:
      air.primary.length === 0
        ? null
        : text('park.air.primary', { names: air.primary.map((name) => quantityName(language, name)).join(language === 'en' ? ', ' : '、') }),
    hour: text('park.air.hour', { time: format.dayMinute(air.at) }),
    standard: text('park.air.standard', { standard: air.standard }),
    items: air.items.map((item) => ({
      quantity: item.quantity,
      name: quantityName(language, item.quantity),
      mean: format.quantity(item.quantity, item.mean),
      iaqi: item.iaqi === null ? '–' : format.number(item.iaqi, 0),
    })),
  };
}
