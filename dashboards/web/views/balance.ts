import type { Remainder } from '../../../accounting/balance.ts';
import type { Figure } from '../format.ts';
import { nameIn } from '../i18n/text.ts';
import type { LiveModel, ModelMeter } from '../live/live-model.ts';
import type { BalanceJson } from '../rest.ts';
import type { Reader } from './reader.ts';

interface PartRow {
  readonly key: string;
  readonly meter: string;
  readonly name: string;
  readonly flow: string;
  readonly amount: Figure;
  readonly estimated: boolean;
}

/** One carrier between a meter and those right below it. */
export interface BalanceView {
  readonly carrier: string;
  readonly span: string;
  readonly sides: readonly { readonly side: 'in' | 'out'; readonly name: string; readonly total: Figure; readonly parts: readonly PartRow[] }[];
  readonly remainder: { readonly is: Remainder; readonly name: string; readonly amount: Figure; readonly share: string; readonly meaning: string };
  /** Names of meters without a reading. */
  readonly unread: readonly { readonly id: string; readonly name: string }[];
}

/** Are there meters under this one, as far as this reader sees? */
export const hasBelow = (meter: ModelMeter, model: LiveModel): boolean => [...model.meters.values()].some(({ parent }) => parent === meter.id);

export function balanceViews(balances: readonly BalanceJson[], model: LiveModel, { text, format, language }: Reader): BalanceView[] {
  const nameOf = (id: string): string => {
    const meter = model.meters.get(id);
    return meter === undefined ? id : nameIn(language, meter);
  };
  return balances.map(({ carrier, unit, from, to, parts, unread, remainder, is, tolerance, ...sums }) => {
    const larger = Math.max(sums.in, sums.out);
    return {
      carrier: text(`carrier.${carrier}`),
      span: text('balance.span', { from: format.full(Date.parse(from)), to: format.full(Date.parse(to)) }),
      sides: (['in', 'out'] as const).map((side) => ({
        side,
        name: text(`balance.${side}`),
        total: format.used(sums[side], unit, larger),
        parts: parts
          .filter((part) => part.side === side)
          .map((part) => ({
            ...{ key: `${part.meter}/${part.flow}`, meter: part.meter, name: nameOf(part.meter), estimated: part.estimated },
            flow: text(`flow.${part.flow}`),
            amount: format.used(part.amount, unit, larger),
          })),
      })),
      remainder: {
        is,
        name: text(`balance.is.${is}`),
        amount: format.used(remainder, unit, larger),
        share: larger > 0 ? format.share(remainder / larger) : '',
        meaning: text(`balance.means.${is}`, { tolerance: format.percent(tolerance) }),
      },
      unread: unread.map((id) => ({ id, name: nameOf(id) })),
    };
  });
}
