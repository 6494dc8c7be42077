import type { CapState } from '../../../model/live.ts';
import type { Level } from '../../../model/rules.ts';
import { whole } from '../format.ts';
import { nameIn } from '../i18n/text.ts';
import type { LiveModel } from '../live/live-model.ts';
import type { Reader } from './reader.ts';

export interface CapRow {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly what: string;
  readonly percent: string;
  /** Share of the bar that is filled, 0 to 1; the bar ends at the highest stage or 100 %, whichever is more. */
  readonly filled: number;
  readonly marks: readonly { readonly at: number; readonly label: string; readonly level: Level; readonly reached: boolean }[];
  /** Highest stage reached; null below the first. */
  readonly level: Level | null;
  readonly status: string;
  readonly used: string;
  readonly ends: string;
  readonly label: string;
}

/** Fullest first: what needs a hand stands on top. */
export function capRows(caps: readonly CapState[], model: LiveModel, reader: Reader): CapRow[] {
  return [...caps].sort((a, b) => b.used / b.amount - a.used / a.amount).map((cap) => capRow(cap, model, reader));
}

function capRow(cap: CapState, model: LiveModel, { text, format, language }: Reader): CapRow {
  const ratio = cap.used / cap.amount;
  const end = Math.max(1, ...cap.stages.map((stage) => stage.percent / 100));
  const reached = cap.stages.filter((stage) => stage.reached).at(-1);
  const percent = format.share(ratio);
  const owner = model.enterprises.find((each) => each.id === cap.enterprise);
  return {
    id: cap.id,
    name: nameIn(language, cap),
    owner: cap.enterprise === null ? text('cap.park') : owner === undefined ? cap.enterprise : nameIn(language, owner),
    // A cap is on what is consumed, unless it says otherwise.
    what: cap.flow === 'consumption' ? text(`carrier.${cap.carrier}`) : `${text(`carrier.${cap.carrier}`)} · ${text(`flow.${cap.flow}`)}`,
    percent,
    filled: Math.min(1, Math.max(0, ratio / end)),
    marks: cap.stages.map((stage) => ({
      at: stage.percent / 100 / end,
      label: format.percent(stage.percent / 100),
      level: stage.level,
      reached: stage.reached,
    })),
    level: reached?.level ?? null,
    status: reached === undefined ? text('cap.below') : text('cap.reached', { percent: format.percent(reached.percent / 100) }),
    used: text('cap.of', { used: whole(format.used(cap.used, cap.unit)), amount: whole(format.used(cap.amount, cap.unit)) }),
    ends: text('cap.ends', { period: text(`period.${cap.period}`), time: format.dayMinute(cap.to) }),
    label: text('cap.bar', { name: nameIn(language, cap), percent }),
  };
}
