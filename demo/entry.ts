import type { Application, Criterion, EntryProfile } from '../model/rules.ts';
import { enterpriseId, PARK_ID } from './meters.ts';

const PROFILE_ID = 'entry-2026';
const HJ274 = { text: 'HJ 274-2015 表 1', confidence: 'from memory' } as const;
const OWN = { text: '演示园区环境准入清单（2026 版）', confidence: 'own' } as const;

const criterion = (
  id: string,
  name: string,
  nameEn: string,
  unit: string,
  side: Criterion['side'],
  threshold: number,
  rest: Partial<Criterion>,
): Criterion => ({
  id,
  name,
  nameEn,
  unit,
  side,
  threshold,
  mandatory: true,
  source: OWN,
  ...rest,
});

const usage = (carrier: 'electricity' | 'water' | 'natural_gas'): NonNullable<Criterion['actual']> => ({
  of: 'usage',
  carrier,
  flow: 'consumption',
  period: 'day',
});

/** What the demonstration park asks of whoever wants to come in. */
export const ENTRY_PROFILE: EntryProfile = {
  id: PROFILE_ID,
  park: PARK_ID,
  name: '环境准入与能耗水平清单（2026 版）',
  nameEn: 'Environmental entry and energy performance list (2026)',
  version: 1,
  criteria: [
    criterion('energy-per-value', '单位工业增加值综合能耗', 'Energy per value added', 'tce/10⁴ CNY', 'at-most', 0.5, { source: HJ274 }),
    criterion('electricity-day', '日最大用电量', 'Electricity on the highest day', 'kWh/d', 'at-most', 110_000, { actual: usage('electricity') }),
    criterion('gas-day', '日最大用气量', 'Natural gas on the highest day', 'm³/d', 'at-most', 30_000, { mandatory: false, actual: usage('natural_gas') }),
    criterion('water-day', '日最大取水量', 'Water on the highest day', 'm³/d', 'at-most', 2500, { actual: usage('water') }),
    criterion('stack-nox', '烟气氮氧化物浓度', 'NOₓ in the flue gas', 'mg/m³', 'at-most', 240, {
      source: { text: 'GB 16297-1996 表 2 NOx 240 mg/m³', confidence: 'from memory' },
      actual: { of: 'reading', quantity: 'stack_nox' },
    }),
    criterion('effluent-cod', '纳管废水化学需氧量', 'COD of the water sent to the works', 'mg/L', 'at-most', 500, {
      source: { text: 'GB 8978-1996 表 4 三级 COD 500 mg/L', confidence: 'from memory' },
    }),
    criterion('water-reuse', '工业用水重复利用率', 'Water reuse', '%', 'at-least', 75, { mandatory: false, source: HJ274 }),
    criterion('solid-waste-use', '工业固体废物综合利用率', 'Use of solid waste', '%', 'at-least', 70, { mandatory: false, source: HJ274 }),
    criterion('clean-energy', '清洁能源消费占比', 'Share of clean energy', '%', 'at-least', 40, { mandatory: false }),
  ],
};

/** Declared values in the order of the profile: energy, electricity, gas, water, NOₓ, COD, reuse, solid waste, clean energy. */
function application(enterprise: string, ...values: readonly number[]): Application {
  const declared = Object.fromEntries(ENTRY_PROFILE.criteria.slice(0, values.length).map((each, at) => [each.id, values[at] as number]));
  return { id: `app-${enterprise}`, park: PARK_ID, enterprise: enterpriseId(enterprise), profile: PROFILE_ID, declared };
}

/** Three pass, four are admitted on conditions (an optional criterion missed or left open), two are refused (a mandatory one missed). */
export const APPLICATIONS: readonly Application[] = [
  application('rongxi-packaging', 0.11, 65_000, 0, 1300, 0, 180, 82, 91, 76),
  application('jingrui-machining', 0.16, 15_000, 900, 80, 120, 160, 78, 88, 55),
  application('lixin-materials', 0.46, 95_000, 3200, 560, 140, 220, 85, 82, 71),
  // Dry cooling saves less water than the list asks for.
  application('yungu-data', 0.31, 100_000, 0, 320, 0, 90, 62, 75, 80),
  // Kilns burn gas: little clean energy, and the best of its trade reuses less of its water.
  application('ciyun-ceramics', 0.49, 26_500, 24_800, 290, 200, 140, 70, 93, 28),
  application('jinlan-dyeing', 0.48, 29_000, 5600, 2150, 150, 460, 58, 74, 42),
  // Solid waste and clean energy were not declared.
  application('kerun-additives', 0.41, 17_500, 2300, 360, 90, 380, 76),
  application('hongtu-plating', 0.78, 42_000, 1200, 1900, 60, 640, 51, 40, 22),
  application('qingneng-hydrogen', 0.22, 128_000, 0, 420, 0, 80, 88, 95, 96),
];
