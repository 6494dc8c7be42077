import { isAhead, isGone, isStale, type LiveValue } from '../../../model/live.ts';
import type { MeterKind } from '../../../model/meter-kinds.ts';
import { findQuantity } from '../../../model/quantities.ts';
import { ageText, type Figure } from '../format.ts';
import { type Language, nameIn } from '../i18n/text.ts';
import type { LiveModel, ModelMeter } from '../live/live-model.ts';
import type { Reader } from './reader.ts';

/** `offline`: told to be gone, and nothing measured since. `stale`: silent for too long. `ahead`: by a clock that is wrong, so that nobody knows. */
export type MeterState = 'fresh' | 'stale' | 'ahead' | 'never' | 'offline';

export interface MeterRow {
  readonly id: string;
  readonly name: string;
  readonly kind: MeterKind;
  readonly kindName: string;
  readonly owner: string;
  readonly quantity: string;
  readonly value: Figure;
  readonly age: string;
  readonly state: MeterState;
  readonly stateName: string;
  readonly flagged: string | null;
}

export interface ValueRow {
  readonly quantity: LiveValue[0];
  readonly name: string;
  readonly value: Figure;
  readonly measured: string;
  readonly age: string;
  readonly state: MeterState;
  readonly stateName: string;
  readonly usable: boolean;
  readonly quality: string;
}

export const quantityName = (language: Language, name: string): string => {
  const quantity = findQuantity(name);
  return quantity === undefined ? name : language === 'en' ? quantity.en : quantity.zh;
};

/** A meter's state by what was said of it and by the age of its newest reading. */
export function meterState(meter: ModelMeter, now: number): MeterState {
  if (isGone(meter.status, meter.newest)) return 'offline';
  if (meter.newest === null) return 'never';
  return stateAt(meter.newest, meter, now);
}

/** What the time of its newest reading says. */
function stateAt(newest: number, { intervalSeconds }: ModelMeter, now: number): 'fresh' | 'stale' | 'ahead' {
  if (isAhead(newest, now)) return 'ahead';
  return isStale(newest, intervalSeconds, now) ? 'stale' : 'fresh';
}

// The value that stands for a meter in a list.
const FIRST: readonly string[] = [
  'active_power',
  'dc_power',
  'water_flow',
  'gas_flow',
  'heat_power',
  'steam_flow',
  'hydrogen_flow',
  'captured_co2_flow',
  'pm2_5',
  'stack_nox',
  'stack_so2',
  'cod',
  'ph',
  'sound_level',
  'air_temperature',
];

/** The quantity that a meter is known by: a momentary one before a register. Undefined before its first reading. */
export function leadingQuantity(meter: ModelMeter): LiveValue[0] | undefined {
  const names = [...meter.values.keys()];
  for (const first of FIRST) {
    const found = names.find((name) => name === first);
    if (found !== undefined) return found;
  }
  return names.find((name) => findQuantity(name)?.kind === 'gauge') ?? names[0];
}

/** A meter's quantities as the catalogue orders them, the leading one first. */
export function quantitiesOf(meter: ModelMeter): LiveValue[0][] {
  const lead = leadingQuantity(meter);
  const code = (name: string) => findQuantity(name)?.code ?? 0;
  return [...meter.values.keys()].sort((a, b) => Number(b === lead) - Number(a === lead) || code(a) - code(b));
}

export const isUsableName = (quality: LiveValue[3]): boolean => quality === 'good' || quality === 'estimated' || quality === 'corrected';

export function meterRow(meter: ModelMeter, model: LiveModel, { text, format, language, now }: Reader): MeterRow {
  const lead = leadingQuantity(meter);
  const latest = lead === undefined ? undefined : meter.values.get(lead);
  const state = meterState(meter, now);
  const since = state === 'offline' ? (meter.status?.since ?? null) : meter.newest;
  const owner = model.enterprises.find((each) => each.id === meter.enterprise);
  return {
    id: meter.id,
    name: nameIn(language, meter),
    kind: meter.kind,
    kindName: text(`kind.${meter.kind}`),
    owner: meter.enterprise === null ? text('meter.park') : owner === undefined ? meter.enterprise : nameIn(language, owner),
    quantity: lead === undefined ? '' : quantityName(language, lead),
    value: latest === undefined ? { text: '–', unit: '' } : format.quantity(latest[0], latest[2]),
    age: since === null ? '–' : ageText(text, now - since),
    state,
    stateName: text(`meter.${state}`),
    flagged: latest === undefined || latest[3] === 'good' ? null : text(`quality.${latest[3]}`),
  };
}

export function valueRows(meter: ModelMeter, { text, format, language, now }: Reader): ValueRow[] {
  return quantitiesOf(meter).flatMap((name) => {
    const value = meter.values.get(name);
    if (value === undefined) return [];
    const [quantity, ts, amount, quality] = value;
    const state = stateAt(ts, meter, now);
    return [
      {
        quantity,
        name: quantityName(language, quantity),
        value: format.quantity(quantity, amount),
        measured: format.full(ts),
        age: ageText(text, now - ts),
        state,
        stateName: text(`meter.${state}`),
        usable: isUsableName(quality),
        quality: text(`quality.${quality}`),
      },
    ];
  });
}

export interface MeterFilter {
  readonly kind: MeterKind | '';
  readonly silentOnly: boolean;
  readonly search: string;
}

/** Meters that are gone or silent first, then by owner and name: what is wrong is seen without a search. */
export function meterRows(model: LiveModel, filter: MeterFilter, reader: Reader): MeterRow[] {
  const wanted = filter.search.trim().toLowerCase();
  const rows = [...model.meters.values()]
    .filter((meter) => filter.kind === '' || meter.kind === filter.kind)
    .filter((meter) => !filter.silentOnly || meterState(meter, reader.now) !== 'fresh')
    .map((meter) => meterRow(meter, model, reader))
    .filter(
      (row) => wanted === '' || row.id.toLowerCase().includes(wanted) || row.name.toLowerCase().includes(wanted) || row.owner.toLowerCase().includes(wanted),
    );
  const order = { offline: 0, stale: 0, ahead: 0, never: 1, fresh: 2 } as const;
  const compare = new Intl.Collator(reader.language).compare;
  return rows.sort((a, b) => order[a.state] - order[b.state] || compare(a.owner, b.owner) || compare(a.name, b.name) || compare(a.id, b.id));
}

/** The kinds that this view has meters of, in the catalogue's order. */
export const kindsOf = (model: LiveModel): MeterKind[] => [...new Set([...model.meters.values()].map((meter) => meter.kind))];
