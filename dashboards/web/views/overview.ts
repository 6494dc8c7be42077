import type { Alert } from '../../../model/alert.ts';
import { isStale, type LiveFigures } from '../../../model/live.ts';
import type { Stage } from '../../../model/registry.ts';
import type { Carrier, Flow, Level } from '../../../model/rules.ts';
import { type PoweredMeter, powerNow } from '../../power.ts';
import type { Figure } from '../format.ts';
import { nameIn, tradeIn, wordFor } from '../i18n/text.ts';
import type { LiveModel, ModelMeter } from '../live/live-model.ts';
import { type AirView, airView } from './air.ts';
import { type AlertRow, alertRow, byUrgency } from './alert-rows.ts';
import { type CapRow, capRows } from './caps.ts';
import { isUsableName, meterState } from './meters.ts';
import type { Reader } from './reader.ts';

/** One figure of the top row. */
interface Tile {
  readonly key: 'consumption' | 'generation' | 'battery';
  readonly label: string;
  readonly value: Figure;
  readonly note: string;
}

interface EnergyRow {
  readonly carrier: Carrier;
  readonly name: string;
  readonly flow: string;
  readonly value: Figure;
}

interface EnterpriseRow {
  readonly id: string;
  readonly name: string;
  readonly trade: string;
  readonly stage: Stage;
  readonly stageName: string;
  readonly kw: number | null;
  readonly power: Figure;
  /** Of the power of all enterprises, 0 to 1. */
  readonly share: number;
  readonly alerts: number;
  readonly worst: Level | null;
  readonly silent: number;
}

/** All that the page of a park, or of one enterprise, shows. A panel without data in this park is null or empty and is not drawn. */
export interface Overview {
  readonly title: string;
  readonly tiles: readonly Tile[];
  readonly energy: { readonly since: string; readonly rows: readonly EnergyRow[] } | null;
  readonly carbon: { readonly value: Figure; readonly factors: readonly { readonly name: string; readonly value: string; readonly source: string }[] } | null;
  readonly air: AirView | null;
  readonly alerts: readonly AlertRow[];
  readonly caps: readonly CapRow[];
  readonly enterprises: readonly EnterpriseRow[];
  readonly meters: { readonly total: number; readonly silent: number; readonly text: string };
}

export function buildOverview(model: LiveModel, reader: Reader): Overview {
  const { text, format, language, now } = reader;
  const { figures } = model;
  const own = model.enterprise === null ? undefined : model.enterprises.find((each) => each.id === model.enterprise);
  const alerts = [...model.alerts.values()].sort(byUrgency);
  const silent = [...model.meters.values()].filter((meter) => meterState(meter, now) !== 'fresh').length;
  const total = model.meters.size;
  return {
    title: nameIn(language, own ?? model.park),
    tiles: tiles(model, reader),
    energy:
      figures.today.length === 0
        ? null
        : {
            since: text('park.energy.since', { time: '00:00' }),
            rows: [...figures.today].sort(asPeopleAsk).map((each) => ({
              carrier: each.carrier,
              name: text(`carrier.${each.carrier}`),
              flow: text(`flow.${each.flow}`),
              value: format.used(each.amount, each.unit),
            })),
          },
    carbon:
      figures.carbonToday === null
        ? null
        : {
            value: format.used(figures.carbonToday.kg, 'kg'),
            factors: figures.carbonToday.factors.map((factor) => ({
              name: factor.name,
              value: `${new Intl.NumberFormat(language, { maximumFractionDigits: 6 }).format(factor.value)} ${factor.unit}`,
              source: [
                factor.source,
                text('park.factor.year', { year: factor.year }),
                ...(factor.confidence === 'read' || factor.confidence === 'high'
                  ? []
                  : [text('confidence.note', { confidence: wordFor(text, 'confidence', factor.confidence) })]),
              ].join(' · '),
            })),
          },
    air: figures.air === null ? null : airView(figures.air, reader),
    alerts: alerts.map((alert) => alertRow(alert, model, reader)),
    caps: capRows(figures.caps, model, reader),
    enterprises: model.enterprise === null ? enterpriseRows(model, alerts, reader) : [],
    meters: { total, silent, text: silent === 0 ? text('park.allfresh', { total }) : text('park.silent', { count: silent, total }) },
  };
}

const CARRIER_ORDER: readonly Carrier[] = ['electricity', 'water', 'natural_gas', 'steam', 'heat', 'hydrogen'];
const FLOW_ORDER: readonly Flow[] = ['consumption', 'generation', 'export', 'charge', 'discharge'];

/** What was used before what was made, carrier by carrier. */
const asPeopleAsk = (a: LiveFigures['today'][number], b: LiveFigures['today'][number]): number =>
  CARRIER_ORDER.indexOf(a.carrier) - CARRIER_ORDER.indexOf(b.carrier) || FLOW_ORDER.indexOf(a.flow) - FLOW_ORDER.indexOf(b.flow);

function tiles(model: LiveModel, { text, format }: Reader): Tile[] {
  const { power } = model.figures;
  const kinds = new Set([...model.meters.values()].map((meter) => meter.kind));
  const battery = power.battery ?? 0;
  return [
    ...(kinds.has('electricity') || power.consumption !== null
      ? [{ key: 'consumption' as const, label: text('park.consumption'), value: format.power(power.consumption), note: '' }]
      : []),
    ...(kinds.has('pv') || power.generation !== null
      ? [{ key: 'generation' as const, label: text('park.generation'), value: format.power(power.generation), note: '' }]
      : []),
    ...(kinds.has('battery') || power.battery !== null
      ? [
          {
            key: 'battery' as const,
            label: text('park.battery'),
            value: format.power(power.battery === null ? null : Math.abs(power.battery)),
            note:
              power.battery === null
                ? ''
                : text(Math.abs(battery) < 0.05 ? 'park.battery.idle' : battery > 0 ? 'park.battery.charging' : 'park.battery.discharging'),
          },
        ]
      : []),
  ];
}

/** By power, greatest first; who reports none stands last, by name. */
function enterpriseRows(model: LiveModel, alerts: readonly Alert[], { text, format, language, now }: Reader): EnterpriseRow[] {
  const byOwner = new Map<string, ModelMeter[]>();
  for (const meter of model.meters.values()) {
    if (meter.enterprise === null) continue;
    const list = byOwner.get(meter.enterprise);
    if (list === undefined) byOwner.set(meter.enterprise, [meter]);
    else list.push(meter);
  }
  const powers = new Map(model.enterprises.map((each) => [each.id, powerNow(byOwner.get(each.id) ?? [], (meter) => freshPower(meter, now)).consumption]));
  const all = [...powers.values()].reduce<number>((sum, kw) => sum + Math.max(0, kw ?? 0), 0);
  return model.enterprises
    .map((each) => {
      const kw = powers.get(each.id) ?? null;
      const open = alerts.filter((alert) => alert.enterprise === each.id);
      return {
        id: each.id,
        name: nameIn(language, each),
        trade: tradeIn(language, each),
        stage: each.stage,
        stageName: text(`stage.${each.stage}`),
        kw,
        power: format.power(kw),
        share: all > 0 ? Math.max(0, kw ?? 0) / all : 0,
        alerts: open.length,
        worst: worstOf(open),
        silent: (byOwner.get(each.id) ?? []).filter((meter) => meterState(meter, now) !== 'fresh').length,
      };
    })
    .sort((a, b) => (b.kw ?? -1) - (a.kw ?? -1) || (a.name < b.name ? -1 : 1));
}

const worstOf = (alerts: readonly Alert[]): Level | null =>
  (['red', 'orange', 'yellow', 'blue'] as const).find((level) => alerts.some((alert) => alert.level === level)) ?? null;

function freshPower(meter: ModelMeter & PoweredMeter, now: number): number | null {
  const latest = meter.values.get('active_power');
  return latest === undefined || !isUsableName(latest[3]) || isStale(latest[1], meter.intervalSeconds, now) ? null : latest[2];
}
