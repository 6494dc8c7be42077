import type { EnterpriseId, GatewayId, MeterId, ParkId } from '../model/ids.ts';
import type { MeterKind } from '../model/meter-kinds.ts';
import type { Gateway, Meter } from '../model/registry.ts';
import { BATTERIES, CAPTURE, COMMON, ELECTROLYSER, ENTERPRISES, NOISE_POINTS, OUTSIDE, PARK_PV, STACKS } from './roster.ts';

// The roster is this folder's own table: its ids need no parser, a test checks the whole document against the schemas.
export const PARK_ID = 'longquan-dongli' as ParkId;
export const meterId = (text: string): MeterId => text as MeterId;
export const enterpriseId = (text: string): EnterpriseId => text as EnterpriseId;
const gatewayId = (text: string): GatewayId => text as GatewayId;

const GATEWAY = {
  north: gatewayId('gw-lq-north'),
  south: gatewayId('gw-lq-south'),
  renewables: gatewayId('gw-lq-renewables'),
  pipes: gatewayId('gw-lq-pipes'),
  environment: gatewayId('gw-lq-environment'),
} as const;

export const GATEWAYS: readonly Gateway[] = [
  { id: GATEWAY.north, park: PARK_ID, name: '北区电能采集网关' },
  { id: GATEWAY.south, park: PARK_ID, name: '南区电能采集网关' },
  { id: GATEWAY.renewables, park: PARK_ID, name: '光储氢碳网关' },
  { id: GATEWAY.pipes, park: PARK_ID, name: '水气热采集网关' },
  { id: GATEWAY.environment, park: PARK_ID, name: '环境数采仪' },
];

/** Seconds within which a reading is due, by kind of meter; main meters and incomers report every 5. A reading of the ambient station stands for five minutes. */
export const INTERVALS: Readonly<Record<MeterKind, number>> = {
  electricity: 10,
  pv: 10,
  battery: 10,
  electrolyser: 10,
  capture: 15,
  noise: 10,
  stack: 20,
  water: 30,
  gas: 30,
  heat: 30,
  steam: 30,
  weather: 30,
  ambient: 300,
  outfall: 60,
};
const MAIN_INTERVAL = 5;

type Optional = Partial<Pick<Meter, 'enterprise' | 'parent' | 'multiplier' | 'units' | 'intervalSeconds'>>;

const meter = (id: string, kind: MeterKind, name: string, nameEn: string, gateway: GatewayId, rest: Optional = {}): Meter => ({
  id: meterId(id),
  park: PARK_ID,
  enterprise: null,
  name,
  nameEn,
  kind,
  parent: null,
  multiplier: 1,
  gateway,
  intervalSeconds: INTERVALS[kind],
  ...rest,
});

export const incomerId = (incomer: 1 | 2): MeterId => meterId(`lq-in${incomer}`);
/** Inverters speak W and Wh; the service converts at the door. */
export const PV_UNITS = { active_power: 'W', dc_power: 'W' } as const;

function electricity(): Meter[] {
  const meters: Meter[] = [
    meter('lq-in1', 'electricity', '110 千伏进线一', '110 kV incomer 1', GATEWAY.north, { intervalSeconds: MAIN_INTERVAL }),
    meter('lq-in2', 'electricity', '110 千伏进线二', '110 kV incomer 2', GATEWAY.south, { intervalSeconds: MAIN_INTERVAL }),
  ];
  for (const owner of ENTERPRISES) {
    const gateway = owner.incomer === 1 ? GATEWAY.north : GATEWAY.south;
    const enterprise = enterpriseId(owner.id);
    const main = meterId(`${owner.code}-main`);
    const [zh, en] = [owner.name.replace('有限公司', ''), owner.nameEn];
    meters.push(
      meter(main, 'electricity', `${zh}总表`, `${en}, main meter`, gateway, { enterprise, parent: incomerId(owner.incomer), intervalSeconds: MAIN_INTERVAL }),
    );
    owner.electricity.forEach((sub, at) => {
      meters.push(meter(`${owner.code}-p${at + 1}`, 'electricity', sub.name, sub.nameEn, gateway, { enterprise, parent: main, multiplier: sub.multiplier }));
    });
    if (owner.pvKw !== undefined) {
      meters.push(meter(`${owner.code}-pv`, 'pv', `${zh}屋顶光伏`, `${en}, roof PV`, GATEWAY.renewables, { enterprise, parent: main, units: PV_UNITS }));
    }
  }
  for (const common of COMMON) {
    const gateway = common.incomer === 1 ? GATEWAY.north : GATEWAY.south;
    meters.push(meter(common.id, 'electricity', common.name, common.nameEn, gateway, { parent: incomerId(common.incomer) }));
  }
  return meters;
}

function renewables(): Meter[] {
  const below = (unit: { readonly incomer: 1 | 2 }): Optional => ({ parent: incomerId(unit.incomer) });
  return [
    ...PARK_PV.map((unit) => meter(unit.id, 'pv', unit.name, unit.nameEn, GATEWAY.renewables, { ...below(unit), units: PV_UNITS })),
    ...BATTERIES.map((unit) => meter(unit.id, 'battery', unit.name, unit.nameEn, GATEWAY.renewables, below(unit))),
    meter(ELECTROLYSER.id, 'electrolyser', ELECTROLYSER.name, ELECTROLYSER.nameEn, GATEWAY.renewables, below(ELECTROLYSER)),
    meter(CAPTURE.id, 'capture', CAPTURE.name, CAPTURE.nameEn, GATEWAY.renewables, below(CAPTURE)),
  ];
}

/** The piped carriers: who has one, its letter in the meters' ids, and how the meters are called. */
export const PIPES = [
  { kind: 'water', letter: 'w', zh: '水表', en: 'water', parkZh: '园区自来水总表', parkEn: 'Park water main' },
  { kind: 'gas', letter: 'g', zh: '天然气表', en: 'natural gas', parkZh: '园区天然气门站', parkEn: 'Park gas gate' },
  { kind: 'steam', letter: 's', zh: '蒸汽表', en: 'steam', parkZh: '园区蒸汽总表', parkEn: 'Park steam main' },
  { kind: 'heat', letter: 'h', zh: '热量表', en: 'heat', parkZh: '余热回收站', parkEn: 'Waste-heat station' },
] as const;

function pipes(): Meter[] {
  const meters: Meter[] = [];
  for (const pipe of PIPES) {
    const park = meterId(`lq-${pipe.letter}0`);
    meters.push(meter(park, pipe.kind, pipe.parkZh, pipe.parkEn, GATEWAY.pipes));
    for (const owner of ENTERPRISES) {
      if (owner[pipe.kind] === undefined) continue;
      const enterprise = enterpriseId(owner.id);
      const id = meterId(`${owner.code}-${pipe.letter}`);
      const zh = `${owner.name.replace('有限公司', '')}${pipe.zh}`;
      meters.push(meter(id, pipe.kind, zh, `${owner.nameEn}, ${pipe.en}`, GATEWAY.pipes, { enterprise, parent: park }));
      if (pipe.kind !== 'water') continue;
      owner.waterUses?.forEach((use, at) => {
        meters.push(meter(`${id}${at + 1}`, 'water', use.name, use.nameEn, GATEWAY.pipes, { enterprise, parent: id }));
      });
    }
  }
  return meters;
}

function environment(): Meter[] {
  const gateway = GATEWAY.environment;
  return [
    meter('lq-air', 'ambient', '园区环境空气站', 'Ambient air station', gateway),
    meter('lq-mast', 'weather', '园区气象站', 'Weather mast', gateway),
    ...STACKS.map((stack) => meter(stack.id, 'stack', stack.name, stack.nameEn, gateway, { enterprise: enterpriseId(stack.owner) })),
    meter('lq-out1', 'outfall', '污水厂总排口', 'Works outfall', gateway, { enterprise: enterpriseId('dongli-water') }),
    ...NOISE_POINTS.map((point) => meter(point.id, 'noise', point.name, point.nameEn, gateway)),
  ];
}

/** All meters, each parent before its children. */
export const METERS: readonly Meter[] = [...electricity(), ...renewables(), ...pipes(), ...environment()];

/** Every enterprise of the park, metered or not. */
export const ALL_ENTERPRISES = [...ENTERPRISES, ...OUTSIDE].map(({ id, name, nameEn, trade, tradeEn, stage }) => ({
  id: enterpriseId(id),
  park: PARK_ID,
  name,
  nameEn,
  trade,
  tradeEn,
  stage,
}));
