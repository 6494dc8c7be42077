import type { QuantityName } from '../model/quantities.ts';
import type { MeterKind } from '../model/registry.ts';
import type { Cap, EntryRule, Level, LimitRule, Rule } from '../model/rules.ts';
import { enterpriseId, meterId, PARK_ID } from './meters.ts';

type Source = NonNullable<LimitRule['source']>;
const fromMemory = (text: string): Source => ({ text, confidence: 'from memory' });
const read = (text: string): Source => ({ text, confidence: 'read' });
const own = (text: string): Source => ({ text, confidence: 'own' });

const INSTANT = { by: 'instant' } as const;
const mean = (windowSeconds: number) => ({ by: 'rolling-mean', windowSeconds }) as const;
const HOUR = 3600;

function limit(
  id: string,
  name: string,
  subject: LimitRule['subject'],
  quantity: QuantityName,
  level: Level,
  side: LimitRule['side'],
  value: number,
  judged: LimitRule['judged'],
  source: Source,
  delays: { readonly deadband: number; readonly on?: number; readonly off?: number },
): LimitRule {
  return {
    id,
    park: PARK_ID,
    name,
    enabled: true,
    source,
    type: 'limit',
    subject,
    quantity,
    level,
    side,
    value,
    judged,
    deadband: delays.deadband,
    onDelaySeconds: delays.on ?? 0,
    offDelaySeconds: delays.off ?? 0,
  };
}

const kind = (name: MeterKind): LimitRule['subject'] => ({ kind: name });
const one = (id: string): LimitRule['subject'] => ({ meter: meterId(id) });

const STACK_TABLE = 'GB 16297-1996 表 2（1997 年起新建源）';
const OUTFALL_TABLE = 'DB51/2311-2016 表 1 工业园区集中式污水处理厂';
const AIR_TABLE = 'GB 3095-2026 表 1 二类区（过渡期限值）';

const LIMITS: readonly LimitRule[] = [
  limit(
    'stack-nox-warning',
    '烟气氮氧化物瞬时超限预警',
    kind('stack'),
    'stack_nox',
    'orange',
    'above',
    240,
    INSTANT,
    fromMemory(`${STACK_TABLE} NOx 240 mg/m³；标准按小时均值，此处按瞬时值预警`),
    { deadband: 15, on: 120, off: 120 },
  ),
  limit('stack-nox-hour', '烟气氮氧化物小时均值超标', kind('stack'), 'stack_nox', 'red', 'above', 240, mean(HOUR), fromMemory(`${STACK_TABLE} NOx 240 mg/m³`), {
    deadband: 5,
  }),
  limit('stack-so2-hour', '烟气二氧化硫小时均值超标', kind('stack'), 'stack_so2', 'red', 'above', 550, mean(HOUR), fromMemory(`${STACK_TABLE} SO₂ 550 mg/m³`), {
    deadband: 10,
  }),
  limit(
    'stack-dust-hour',
    '烟气颗粒物小时均值超标',
    kind('stack'),
    'stack_dust',
    'red',
    'above',
    120,
    mean(HOUR),
    fromMemory(`${STACK_TABLE} 颗粒物 120 mg/m³`),
    { deadband: 5 },
  ),
  limit(
    'stack-nmhc-hour',
    '排气筒挥发性有机物超标',
    one('lq-stack2'),
    'stack_nmhc',
    'red',
    'above',
    60,
    mean(HOUR),
    fromMemory('DB51/2377-2017 多数行业 VOCs 60 mg/m³'),
    { deadband: 3 },
  ),
  limit(
    'outfall-cod',
    '总排口化学需氧量超限',
    kind('outfall'),
    'cod',
    'orange',
    'above',
    40,
    INSTANT,
    fromMemory(`${OUTFALL_TABLE} COD 40 mg/L；按瞬时值预警`),
    { deadband: 2, on: 300, off: 300 },
  ),
  limit(
    'outfall-ammonia',
    '总排口氨氮超限',
    kind('outfall'),
    'ammonia_nitrogen',
    'orange',
    'above',
    3,
    INSTANT,
    fromMemory(`${OUTFALL_TABLE} 氨氮 3 mg/L（水温 12 °C 以上）`),
    { deadband: 0.2, on: 300, off: 300 },
  ),
  limit(
    'outfall-phosphorus',
    '总排口总磷超限',
    kind('outfall'),
    'total_phosphorus',
    'orange',
    'above',
    0.5,
    INSTANT,
    fromMemory(`${OUTFALL_TABLE} 总磷 0.5 mg/L`),
    { deadband: 0.03, on: 300, off: 300 },
  ),
  limit('outfall-nitrogen', '总排口总氮超限', kind('outfall'), 'total_nitrogen', 'orange', 'above', 15, INSTANT, fromMemory(`${OUTFALL_TABLE} 总氮 15 mg/L`), {
    deadband: 0.5,
    on: 300,
    off: 300,
  }),
  limit('outfall-ph-high', '总排口 pH 偏高', kind('outfall'), 'ph', 'orange', 'above', 9, INSTANT, fromMemory('GB 18918-2002 表 1 pH 6–9'), {
    deadband: 0.1,
    on: 120,
  }),
  limit('outfall-ph-low', '总排口 pH 偏低', kind('outfall'), 'ph', 'orange', 'below', 6, INSTANT, fromMemory('GB 18918-2002 表 1 pH 6–9'), {
    deadband: 0.1,
    on: 120,
  }),
  limit(
    'noise-day',
    '厂界昼间噪声超标',
    kind('noise'),
    'sound_level',
    'yellow',
    'above',
    65,
    mean(600),
    fromMemory('GB 12348-2008 表 1 三类声环境功能区昼间 65 dB(A)'),
    { deadband: 1 },
  ),
  limit(
    'noise-north',
    '北厂界噪声超过夜间限值',
    one('lq-n4'),
    'sound_level',
    'yellow',
    'above',
    55,
    mean(300),
    fromMemory('GB 12348-2008 表 1 三类声环境功能区夜间 55 dB(A)；居民侧全天按此控制'),
    { deadband: 1 },
  ),
  limit('air-o3-hour', '臭氧小时浓度超标', kind('ambient'), 'o3', 'yellow', 'above', 200, mean(HOUR), read(`${AIR_TABLE} O₃ 1 小时 200 µg/m³`), {
    deadband: 5,
  }),
  limit('air-no2-hour', '二氧化氮小时浓度超标', kind('ambient'), 'no2', 'yellow', 'above', 200, mean(HOUR), read(`${AIR_TABLE} NO₂ 1 小时 200 µg/m³`), {
    deadband: 5,
  }),
  limit('air-so2-hour', '二氧化硫小时浓度超标', kind('ambient'), 'so2', 'yellow', 'above', 500, mean(HOUR), read(`${AIR_TABLE} SO₂ 1 小时 500 µg/m³`), {
    deadband: 5,
  }),
  limit('air-co-hour', '一氧化碳小时浓度超标', kind('ambient'), 'co', 'yellow', 'above', 10, mean(HOUR), read(`${AIR_TABLE} CO 1 小时 10 mg/m³`), {
    deadband: 0.2,
  }),
  limit(
    'air-pm25-day',
    '细颗粒物二十四小时均值偏高',
    kind('ambient'),
    'pm2_5',
    'yellow',
    'above',
    60,
    mean(24 * HOUR),
    read(`${AIR_TABLE} PM₂.₅ 24 小时 60 µg/m³；此处为滑动均值`),
    { deadband: 2 },
  ),
  limit('battery-low', '储能荷电状态过低', kind('battery'), 'state_of_charge', 'blue', 'below', 12, INSTANT, own('演示园区储能运行规程'), {
    deadband: 2,
    on: 60,
  }),
  limit('incomer-demand', '进线需量偏高', one('lq-in1'), 'active_power', 'yellow', 'above', 13_500, mean(900), own('演示园区与供电企业约定的最大需量'), {
    deadband: 300,
  }),
];

const entry = (id: string, name: string, level: Level, enterprise: string, criterion: string, tolerancePercent: number): EntryRule => ({
  id,
  park: PARK_ID,
  name,
  enabled: true,
  source: own('企业入园承诺书'),
  type: 'entry',
  level,
  enterprise: enterpriseId(enterprise),
  application: `app-${enterprise}`,
  criterion,
  tolerancePercent,
});

const ENTRIES: readonly EntryRule[] = [
  entry('entry-lixin-electricity', '锂芯新材料日用电超过入园承诺', 'orange', 'lixin-materials', 'electricity-day', 0),
  entry('entry-ciyun-nox', '瓷韵精陶氮氧化物超过入园承诺', 'yellow', 'ciyun-ceramics', 'stack-nox', 10),
  entry('entry-jinlan-water', '锦澜印染日取水超过入园承诺', 'yellow', 'jinlan-dyeing', 'water-day', 5),
  entry('entry-yungu-electricity', '云谷数据日用电超过入园承诺', 'orange', 'yungu-data', 'electricity-day', 0),
  entry('entry-rongxi-electricity', '蓉析封测日用电超过入园承诺', 'orange', 'rongxi-packaging', 'electricity-day', 0),
];

export const RULES: readonly Rule[] = [...LIMITS, ...ENTRIES];

const STAGES: Cap['stages'] = [
  { percent: 80, level: 'blue' },
  { percent: 90, level: 'yellow' },
  { percent: 100, level: 'red' },
];

const cap = (id: string, name: string, enterprise: string | null, carrier: Cap['carrier'], period: Cap['period'], amount: number): Cap => ({
  id,
  park: PARK_ID,
  name,
  enabled: true,
  source: own('演示园区年度用能与取水预算'),
  enterprise: enterprise === null ? null : enterpriseId(enterprise),
  carrier,
  flow: 'consumption',
  period,
  amount,
  stages: STAGES,
});

/** Amounts in kWh, m³ and t. Day caps are set so that one is neared every day and the dye works' water passes its own on some days. */
export const CAPS: readonly Cap[] = [
  cap('cap-park-electricity-day', '园区日用电预算', null, 'electricity', 'day', 520_000),
  cap('cap-park-electricity-month', '园区月用电预算', null, 'electricity', 'month', 14_500_000),
  cap('cap-park-electricity-year', '园区年用电预算', null, 'electricity', 'year', 168_000_000),
  cap('cap-park-gas-month', '园区月用气预算', null, 'natural_gas', 'month', 1_300_000),
  cap('cap-park-water-month', '园区月取水预算', null, 'water', 'month', 195_000),
  cap('cap-park-water-year', '园区年取水预算', null, 'water', 'year', 2_250_000),
  cap('cap-lixin-electricity-day', '锂芯新材料日用电预算', 'lixin-materials', 'electricity', 'day', 105_000),
  cap('cap-lixin-electricity-year', '锂芯新材料年用电预算', 'lixin-materials', 'electricity', 'year', 35_000_000),
  cap('cap-ciyun-gas-day', '瓷韵精陶日用气预算', 'ciyun-ceramics', 'natural_gas', 'day', 25_500),
  cap('cap-ciyun-gas-month', '瓷韵精陶月用气预算', 'ciyun-ceramics', 'natural_gas', 'month', 720_000),
  cap('cap-jinlan-water-day', '锦澜印染日取水定额', 'jinlan-dyeing', 'water', 'day', 2150),
  cap('cap-jinlan-steam-day', '锦澜印染日用汽预算', 'jinlan-dyeing', 'steam', 'day', 160),
  cap('cap-jingrui-electricity-day', '精锐达机械日用电预算', 'jingrui-machining', 'electricity', 'day', 14_600),
  cap('cap-yungu-electricity-month', '云谷数据月用电预算', 'yungu-data', 'electricity', 'month', 3_050_000),
];
