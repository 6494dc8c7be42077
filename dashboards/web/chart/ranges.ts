import type { EpochMs } from '../../../model/ids.ts';
import type { Text } from '../i18n/text.ts';
import type { TextKey } from '../i18n/zh.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A stretch of time that a chart shows. */
export interface Window {
  readonly from: EpochMs;
  readonly to: EpochMs;
}

export const RANGES: readonly { readonly key: TextKey; readonly ms: number }[] = [
  { key: 'range.15m', ms: 15 * MINUTE },
  { key: 'range.1h', ms: HOUR },
  { key: 'range.6h', ms: 6 * HOUR },
  { key: 'range.24h', ms: DAY },
  { key: 'range.7d', ms: 7 * DAY },
  { key: 'range.30d', ms: 30 * DAY },
  { key: 'range.1y', ms: 365 * DAY },
];
export const SHORTEST = 2 * MINUTE;
export const LONGEST = 3 * 365 * DAY;

/** Steps that people can name; each divides a day, so that steps begin at the zone's midnight. */
const STEPS = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY] as const;
/** More points than this cannot be told apart on a screen. */
const POINTS = 800;

/** Null asks for raw readings: as long as no more of them are due than a screen can show. Otherwise the finest step that fits, in ms. */
export function stepFor(span: number, intervalSeconds: number): number | null {
  if (span / (intervalSeconds * 1000) <= POINTS) return null;
  return STEPS.find((step) => span / step <= POINTS) ?? DAY;
}

/** The step in words, e.g. 15 min. */
export function stepName(text: Text, step: number): string {
  if (step % DAY === 0) return text('step.days', { n: step / DAY });
  return step % HOUR === 0 ? text('step.hours', { n: step / HOUR }) : text('step.minutes', { n: step / MINUTE });
}

export const move = (window: Window, share: number, now: EpochMs): Window => {
  const span = window.to - window.from;
  const to = Math.min(now, window.to + span * share);
  return { from: to - span, to };
};

/** Zooms about `at`, a share of the window's width; factor below 1 shows less. Never beyond now. */
export function zoom(window: Window, factor: number, at: number, now: EpochMs): Window {
  const span = window.to - window.from;
  const next = Math.min(LONGEST, Math.max(SHORTEST, span * factor));
  const from = window.from + (span - next) * at;
  const to = Math.min(now, from + next);
  return { from: to - next, to };
}
