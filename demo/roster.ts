import type { Stage } from '../model/registry.ts';
import type { LoadSpec } from './physics/load.ts';

/** One metered consumer below an enterprise's main meter. */
export interface SubMeterSpec {
  readonly name: string;
  readonly nameEn: string;
  readonly load: LoadSpec;
  /** CT ratio of a meter that shows secondary values; 1 where it shows primary ones. */
  readonly multiplier: number;
}

/** An enterprise with what it draws: the registry document and the simulated physics are both made from this one table. */
export interface EnterpriseSpec {
  readonly id: string;
  /** First part of its meters' ids. */
  readonly code: string;
  readonly name: string;
  readonly nameEn: string;
  readonly trade: string;
  readonly tradeEn: string;
  readonly stage: Stage;
  /** Which of the two incoming lines feeds it. */
  readonly incomer: 1 | 2;
  readonly powerFactor: number;
  readonly electricity: readonly SubMeterSpec[];
  /** What its main meter sees beyond the metered consumers: offices, lighting, losses; in kW. */
  readonly rest: LoadSpec;
  /** Rated kW of an inverter behind its main meter; never so large that it feeds back. */
  readonly pvKw?: number;
  /** m³/h */
  readonly water?: LoadSpec;
  /** Meters behind its water meter: what share of it runs through each. */
  readonly waterUses?: readonly { readonly name: string; readonly nameEn: string; readonly share: number }[];
  /** m³/h, standard conditions */
  readonly gas?: LoadSpec;
  /** t/h */
  readonly steam?: LoadSpec;
  /** GJ/h */
  readonly heat?: LoadSpec;
}

const sub = (name: string, nameEn: string, load: LoadSpec, multiplier = 1): SubMeterSpec => ({ name, nameEn, load, multiplier });
const OFFICE = (kW: number): LoadSpec => ({ full: kW, shape: 'office', ripple: 0.03, climate: { kind: 'cooling', from: 26, perDegree: 0.06 } });

/** Enterprises that run. All of them are invented. */
export const ENTERPRISES: readonly EnterpriseSpec[] = [
  {
    id: 'dongli-auto',
    code: 'lq-e01',
    name: '东麓汽车部件有限公司',
    nameEn: 'Dongli Auto Parts',
    trade: '汽车零部件制造',
    tradeEn: 'Motor-vehicle parts',
    stage: 'admitted',
    incomer: 1,
    powerFactor: 0.91,
    electricity: [
      sub('冲压车间', 'Press shop', { full: 620, shape: 'two-shift', noise: 0.08, ripple: 0.14 }),
      sub('焊装车间', 'Body welding', { full: 540, shape: 'two-shift', noise: 0.07, ripple: 0.12 }),
      sub('涂装车间', 'Paint shop', { full: 760, shape: 'two-shift' }),
      sub('空压站', 'Compressed air', { full: 310, shape: 'two-shift', ripple: 0.1 }, 120),
    ],
    rest: OFFICE(140),
    water: { full: 16, shape: 'two-shift', noise: 0.1 },
    waterUses: [{ name: '涂装用水', nameEn: 'Paint shop water', share: 0.58 }],
    gas: { full: 190, shape: 'two-shift' },
    heat: { full: 3.2, shape: 'two-shift', climate: { kind: 'heating', from: 16, perDegree: 0.05 } },
  },
  {
    id: 'rongxi-packaging',
    code: 'lq-e02',
    name: '蓉析半导体封测有限公司',
    nameEn: 'Rongxi Semiconductor Packaging',
    trade: '集成电路封装测试',
    tradeEn: 'Chip packaging and testing',
    stage: 'admitted',
    incomer: 1,
    powerFactor: 0.96,
    electricity: [
      sub('洁净室空调', 'Clean-room air handling', { full: 980, shape: 'continuous', climate: { kind: 'cooling', from: 18, perDegree: 0.012 } }),
      sub('封装线', 'Packaging lines', { full: 860, shape: 'three-shift' }),
      sub('测试中心', 'Test floor', { full: 520, shape: 'continuous', ripple: 0.02 }),
      sub('超纯水站', 'Ultrapure water', { full: 210, shape: 'continuous', ripple: 0.06 }, 80),
    ],
    rest: OFFICE(180),
    pvKw: 800,
    water: { full: 46, shape: 'continuous', noise: 0.06 },
    waterUses: [{ name: '超纯水用水', nameEn: 'Ultrapure water feed', share: 0.64 }],
    heat: { full: 2.6, shape: 'continuous', climate: { kind: 'heating', from: 18, perDegree: 0.03 } },
  },
  {
    id: 'lixin-materials',
    code: 'lq-e03',
    name: '锂芯新材料有限公司',
    nameEn: 'Lixin Battery Materials',
    trade: '锂电池正极材料制造',
    tradeEn: 'Lithium-battery cathode materials',
    stage: 'on-notice',
    incomer: 2,
    powerFactor: 0.94,
    electricity: [
      sub('辊道窑一线', 'Roller kiln 1', { full: 1450, shape: 'continuous', noise: 0.03, ripple: 0.03, rush: { chance: 0.4, by: 0.1 } }),
      sub('辊道窑二线', 'Roller kiln 2', { full: 1380, shape: 'continuous', noise: 0.03, ripple: 0.03 }),
      sub('混料粉碎', 'Mixing and milling', { full: 640, shape: 'three-shift', noise: 0.08, ripple: 0.08 }),
      sub('制氧空分', 'Air separation', { full: 520, shape: 'continuous', ripple: 0.02 }, 160),
    ],
    rest: OFFICE(110),
    water: { full: 21, shape: 'continuous' },
    waterUses: [{ name: '循环冷却补水', nameEn: 'Cooling make-up', share: 0.52 }],
    gas: { full: 120, shape: 'continuous' },
    steam: { full: 2.4, shape: 'three-shift' },
  },
  {
    id: 'shuwei-food',
    code: 'lq-e04',
    name: '蜀味源食品有限公司',
    nameEn: 'Shuweiyuan Foods',
    trade: '调味品及方便食品制造',
    tradeEn: 'Condiments and convenience foods',
    stage: 'admitted',
    incomer: 1,
    powerFactor: 0.9,
    electricity: [
      sub('蒸煮炒制', 'Cooking lines', { full: 280, shape: 'two-shift', ripple: 0.09 }),
      sub('冷藏制冷', 'Chilling', { full: 190, shape: 'continuous', climate: { kind: 'cooling', from: 5, perDegree: 0.015 }, ripple: 0.12 }, 60),
      sub('灌装包装', 'Filling and packing', { full: 230, shape: 'two-shift' }),
    ],
    rest: OFFICE(60),
    water: { full: 24, shape: 'two-shift', noise: 0.12 },
    waterUses: [{ name: '清洗用水', nameEn: 'Washing water', share: 0.45 }],
    gas: { full: 150, shape: 'two-shift' },
    steam: { full: 3.1, shape: 'two-shift', noise: 0.08 },
  },
  {
    id: 'kangyue-pharma',
    code: 'lq-e05',
    name: '康岳制药有限公司',
    nameEn: 'Kangyue Pharmaceuticals',
    trade: '化学药品制剂制造',
    tradeEn: 'Finished pharmaceuticals',
    stage: 'admitted',
    incomer: 2,
    powerFactor: 0.93,
    electricity: [
      sub('发酵提取', 'Fermentation and extraction', { full: 420, shape: 'three-shift' }),
      sub('净化空调', 'Clean air', { full: 360, shape: 'continuous', climate: { kind: 'cooling', from: 18, perDegree: 0.014 } }),
      sub('制剂包装', 'Formulation and packing', { full: 260, shape: 'two-shift' }),
      sub('废水预处理', 'Effluent pre-treatment', { full: 95, shape: 'continuous' }, 40),
    ],
    rest: OFFICE(90),
    water: { full: 28, shape: 'three-shift' },
    waterUses: [{ name: '纯化水用水', nameEn: 'Purified water feed', share: 0.41 }],
    steam: { full: 2.7, shape: 'three-shift' },
    heat: { full: 1.9, shape: 'three-shift', climate: { kind: 'heating', from: 18, perDegree: 0.04 } },
  },
  {
    id: 'jinlan-dyeing',
    code: 'lq-e06',
    name: '锦澜纺织印染有限公司',
    nameEn: 'Jinlan Textile Dyeing',
    trade: '棉印染精加工',
    tradeEn: 'Cotton dyeing and finishing',
    stage: 'on-notice',
    incomer: 2,
    powerFactor: 0.88,
    electricity: [
      sub('染缸车间', 'Dye house', { full: 470, shape: 'three-shift', noise: 0.08, ripple: 0.1 }),
      sub('定型机', 'Stenters', { full: 520, shape: 'three-shift' }),
      sub('空压与水泵', 'Air and pumps', { full: 210, shape: 'three-shift', ripple: 0.1 }, 80),
    ],
    rest: OFFICE(50),
    water: { full: 92, shape: 'three-shift', noise: 0.06, rush: { chance: 0.35, by: 0.16 } },
    waterUses: [
      { name: '漂染用水', nameEn: 'Bleaching and dyeing water', share: 0.55 },
      { name: '水洗用水', nameEn: 'Rinsing water', share: 0.31 },
    ],
    gas: { full: 210, shape: 'three-shift' },
    steam: { full: 6.4, shape: 'three-shift', noise: 0.05, rush: { chance: 0.35, by: 0.1 } },
  },
  {
    id: 'chuanliu-cold',
    code: 'lq-e07',
    name: '川流冷链物流有限公司',
    nameEn: 'Chuanliu Cold-Chain Logistics',
    trade: '冷链仓储',
    tradeEn: 'Cold storage',
    stage: 'admitted',
    incomer: 1,
    powerFactor: 0.89,
    electricity: [
      sub('低温库压缩机', 'Freezer compressors', { full: 430, shape: 'continuous', climate: { kind: 'cooling', from: 0, perDegree: 0.016 }, ripple: 0.18 }),
      sub('高温库压缩机', 'Chiller compressors', { full: 240, shape: 'continuous', climate: { kind: 'cooling', from: 4, perDegree: 0.022 }, ripple: 0.18 }),
      sub('叉车充电', 'Fork-lift charging', { full: 150, shape: 'charging', noise: 0.15 }, 60),
    ],
    rest: OFFICE(45),
    pvKw: 250,
    water: { full: 5, shape: 'continuous' },
  },
  {
    id: 'yungu-data',
    code: 'lq-e08',
    name: '云谷数据科技有限公司',
    nameEn: 'Yungu Data Centre',
    trade: '数据中心运营',
    tradeEn: 'Data centre',
    stage: 'conditional',
    incomer: 1,
    powerFactor: 0.98,
    electricity: [
      sub('IT 负载 A 路', 'IT load, feed A', { full: 1650, shape: 'continuous', noise: 0.02, ripple: 0.015 }),
      sub('IT 负载 B 路', 'IT load, feed B', { full: 1590, shape: 'continuous', noise: 0.02, ripple: 0.015 }),
      sub('制冷系统', 'Cooling', { full: 720, shape: 'continuous', climate: { kind: 'cooling', from: 8, perDegree: 0.022 }, ripple: 0.05 }),
      sub('UPS 与照明', 'UPS and lighting', { full: 260, shape: 'continuous', ripple: 0.01 }, 120),
    ],
    rest: OFFICE(40),
    pvKw: 600,
    water: { full: 9, shape: 'continuous', climate: { kind: 'cooling', from: 8, perDegree: 0.05 } },
    waterUses: [{ name: '冷却塔补水', nameEn: 'Cooling-tower make-up', share: 0.86 }],
  },
  {
    id: 'ciyun-ceramics',
    code: 'lq-e09',
    name: '瓷韵精陶有限公司',
    nameEn: 'Ciyun Ceramics',
    trade: '特种陶瓷制品制造',
    tradeEn: 'Technical ceramics',
    stage: 'restricted',
    incomer: 2,
    powerFactor: 0.9,
    electricity: [
      sub('窑炉风机', 'Kiln fans', { full: 360, shape: 'continuous', ripple: 0.04 }),
      sub('球磨制浆', 'Ball mills', { full: 480, shape: 'three-shift', ripple: 0.07 }),
      sub('压制成型', 'Pressing', { full: 290, shape: 'two-shift', ripple: 0.14 }),
    ],
    rest: OFFICE(40),
    water: { full: 11, shape: 'three-shift' },
    gas: { full: 980, shape: 'continuous', noise: 0.03 },
  },
  {
    id: 'jingrui-machining',
    code: 'lq-e10',
    name: '精锐达机械有限公司',
    nameEn: 'Jingruida Machining',
    trade: '精密机械加工',
    tradeEn: 'Precision machining',
    stage: 'admitted',
    incomer: 1,
    powerFactor: 0.87,
    electricity: [
      sub('数控加工', 'CNC machining', { full: 460, shape: 'one-shift', noise: 0.08, ripple: 0.14 }),
      sub('热处理', 'Heat treatment', { full: 340, shape: 'two-shift', ripple: 0.06 }),
      sub('空压站', 'Compressed air', { full: 130, shape: 'one-shift', ripple: 0.1 }, 50),
    ],
    rest: OFFICE(50),
    water: { full: 3.5, shape: 'one-shift' },
    gas: { full: 45, shape: 'two-shift' },
  },
  {
    id: 'kerun-additives',
    code: 'lq-e11',
    name: '科润精细助剂有限公司',
    nameEn: 'Kerun Fine Additives',
    trade: '化学助剂制造',
    tradeEn: 'Chemical additives',
    stage: 'conditional',
    incomer: 2,
    powerFactor: 0.92,
    electricity: [
      sub('反应釜区', 'Reactors', { full: 340, shape: 'three-shift', noise: 0.07 }),
      sub('溶剂回收', 'Solvent recovery', { full: 220, shape: 'continuous' }),
      sub('RTO 与尾气处理', 'RTO and tail gas', { full: 130, shape: 'continuous', ripple: 0.05 }, 50),
    ],
    rest: OFFICE(45),
    water: { full: 14, shape: 'three-shift' },
    gas: { full: 85, shape: 'continuous' },
    steam: { full: 3.6, shape: 'three-shift' },
  },
  {
    id: 'dongli-water',
    code: 'lq-e12',
    name: '东麓园区污水处理有限公司',
    nameEn: 'Dongli Waste-Water Works',
    trade: '污水处理及再生利用',
    tradeEn: 'Waste-water treatment and reuse',
    stage: 'admitted',
    incomer: 2,
    powerFactor: 0.9,
    electricity: [
      sub('曝气鼓风机', 'Aeration blowers', { full: 330, shape: 'continuous', noise: 0.06 }),
      sub('提升泵站', 'Lift pumps', { full: 120, shape: 'three-shift', ripple: 0.15 }),
      sub('污泥脱水', 'Sludge dewatering', { full: 90, shape: 'one-shift' }, 30),
    ],
    rest: { full: 25, shape: 'continuous' },
    water: { full: 2.2, shape: 'one-shift' },
  },
];

/** Enterprises without meters: one that asks to come in, one that has gone. */
export const OUTSIDE: readonly {
  readonly id: string;
  readonly name: string;
  readonly nameEn: string;
  readonly trade: string;
  readonly tradeEn: string;
  readonly stage: Stage;
}[] = [
  { id: 'hongtu-plating', name: '鸿途表面处理有限公司', nameEn: 'Hongtu Plating', trade: '金属表面处理', tradeEn: 'Metal finishing', stage: 'applicant' },
  {
    id: 'qingneng-hydrogen',
    name: '氢能途装备有限公司',
    nameEn: 'Qingnengtu Hydrogen Equipment',
    trade: '氢能装备制造',
    tradeEn: 'Hydrogen equipment',
    stage: 'applicant',
  },
  { id: 'wanhua-foam', name: '万桦泡沫制品有限公司', nameEn: 'Wanhua Foam Products', trade: '泡沫塑料制造', tradeEn: 'Foamed plastics', stage: 'exited' },
];

/** What the park itself draws, in kW; each on a meter of its own below the named incomer. */
export const COMMON: readonly (SubMeterSpec & { readonly id: string; readonly incomer: 1 | 2 })[] = [
  { id: 'lq-c1', incomer: 1, ...sub('道路照明', 'Street lighting', { full: 160, shape: 'lighting', noise: 0.01, ripple: 0.01 }) },
  { id: 'lq-c2', incomer: 1, ...sub('管委会大楼', 'Administration building', OFFICE(210)) },
  { id: 'lq-c3', incomer: 2, ...sub('公共充电站', 'Public EV charging', { full: 480, shape: 'charging', noise: 0.2, ripple: 0.12 }) },
];

/** Rated kW of the park's own inverters on its enterprises' roofs. */
export const PARK_PV: readonly { readonly id: string; readonly name: string; readonly nameEn: string; readonly ratedKw: number; readonly incomer: 1 | 2 }[] = [
  { id: 'lq-pv1', name: '一号厂房屋顶光伏', nameEn: 'Roof PV, hall 1', ratedKw: 900, incomer: 1 },
  { id: 'lq-pv2', name: '二号厂房屋顶光伏', nameEn: 'Roof PV, hall 2', ratedKw: 750, incomer: 1 },
  { id: 'lq-pv3', name: '三号厂房屋顶光伏', nameEn: 'Roof PV, hall 3', ratedKw: 650, incomer: 1 },
  { id: 'lq-pv4', name: '车棚光伏', nameEn: 'Carport PV', ratedKw: 320, incomer: 1 },
  { id: 'lq-pv5', name: '四号厂房屋顶光伏', nameEn: 'Roof PV, hall 4', ratedKw: 850, incomer: 2 },
  { id: 'lq-pv6', name: '五号厂房屋顶光伏', nameEn: 'Roof PV, hall 5', ratedKw: 600, incomer: 2 },
  { id: 'lq-pv7', name: '污水厂池顶光伏', nameEn: 'PV over the basins', ratedKw: 400, incomer: 2 },
];

export const BATTERIES = [
  { id: 'lq-bat1', name: '一号储能站', nameEn: 'Battery 1', capacityKwh: 4000, ratedKw: 1500, incomer: 1 },
  { id: 'lq-bat2', name: '二号储能站', nameEn: 'Battery 2', capacityKwh: 2000, ratedKw: 800, incomer: 2 },
] as const;

export const ELECTROLYSER = { id: 'lq-h2', name: '绿氢电解槽', nameEn: 'Green-hydrogen electrolyser', ratedKw: 1000, incomer: 2 } as const;
export const CAPTURE = { id: 'lq-ccu', name: '碳捕集装置', nameEn: 'Carbon capture unit', incomer: 2 } as const;

/** The two stacks, whose flue gas follows their owner's gas. `perGas`: m³ of dry flue gas per m³ of natural gas at the stack's oxygen. */
export const STACKS = [
  { id: 'lq-stack1', name: '窑炉烟囱', nameEn: 'Kiln stack', owner: 'ciyun-ceramics', perGas: 38 },
  { id: 'lq-stack2', name: 'RTO 排气筒', nameEn: 'RTO stack', owner: 'kerun-additives', perGas: 290 },
] as const;

export const NOISE_POINTS = [
  { id: 'lq-n1', name: '东厂界噪声', nameEn: 'Noise, east boundary' },
  { id: 'lq-n2', name: '南厂界噪声', nameEn: 'Noise, south boundary' },
  { id: 'lq-n3', name: '西厂界噪声', nameEn: 'Noise, west boundary' },
  { id: 'lq-n4', name: '北厂界噪声（居民侧）', nameEn: 'Noise, north boundary (towards homes)' },
] as const;
