/** What a meter measures, or stands in. Free of the schema library, as the web client needs it too. */
export const METER_KINDS = [
  'electricity',
  'water',
  'gas',
  'heat',
  'steam',
  'pv',
  'battery',
  'electrolyser',
  'capture',
  'ambient',
  'stack',
  'outfall',
  'noise',
  'weather',
] as const;
export type MeterKind = (typeof METER_KINDS)[number];
