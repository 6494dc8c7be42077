import { expect } from 'chai';
import { findQuantity, QUANTITIES } from '../../model/quantities.ts';
import { conversion, unitsFor } from '../../model/units.ts';

describe('the catalogue of quantities', () => {
  it('gives every name and every code once, below the span that series keys allow', () => {
    expect(new Set(QUANTITIES.map((quantity) => quantity.name)).size).to.equal(QUANTITIES.length);
    expect(new Set(QUANTITIES.map((quantity) => quantity.code)).size).to.equal(QUANTITIES.length);
    expect(QUANTITIES.every((quantity) => quantity.code > 0 && quantity.code < 1024)).to.equal(true);
  });

  it('is in order of code', () => {
    for (const [at, { code }] of QUANTITIES.slice(1).entries()) expect(code).to.be.above((QUANTITIES[at] as (typeof QUANTITIES)[number]).code);
  });

  it('gives what is stored the codes that it had, however many come behind', () => {
    const codes = { pm2_5_minute_avg: 400, tsp_day_max: 854, stack_no2_minute_avg: 856, stack_no_day_max: 1022, stack_no_converted_minute_avg: 208 };
    expect(Object.fromEntries(Object.keys(codes).map((name) => [name, findQuantity(name)?.code]))).to.deep.equal(codes);
    expect(QUANTITIES.filter(({ name, code }) => code >= 208 && !/_(minute|hour|day)_(avg|min|max|total)$/.test(name))).to.deep.equal([]);
  });

  it('names each quantity in Chinese and English, with a range that is not empty', () => {
    for (const quantity of QUANTITIES) {
      expect(quantity.zh, quantity.name).to.not.equal('');
      expect(quantity.en, quantity.name).to.not.equal('');
      expect(quantity.range[0], quantity.name).to.be.below(quantity.range[1]);
    }
  });

  it('does not find what every object inherits', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) expect(findQuantity(name)).to.equal(undefined);
  });
});

describe('units', () => {
  const cases = [
    { from: 'MWh', to: 'kWh', value: 1.5, expected: 1500 },
    { from: 'GJ', to: 'kWh', value: 1, expected: 277.7777778 },
    { from: 'W', to: 'kW', value: 250, expected: 0.25 },
    { from: 'L/s', to: 'm³/h', value: 10, expected: 36 },
    { from: '°F', to: '°C', value: 212, expected: 100 },
    { from: 'K', to: '°C', value: 273.15, expected: 0 },
    { from: 'kPa', to: 'hPa', value: 95.1, expected: 951 },
    { from: 'ng/m3', to: 'µg/m³', value: 35_000, expected: 35 },
    { from: 'µg/m³', to: 'mg/m³', value: 300, expected: 0.3 },
    { from: 'Wh', to: 'kWh', value: 6, expected: 0.006 },
  ] as const;
  for (const { from, to, value, expected } of cases) {
    it(`${value} ${from} is ${expected} ${to}`, () => {
      const found = conversion(from, to);
      expect(found).to.not.equal(null);
      if (found !== null) expect(value * found.factor + found.offset).to.be.closeTo(expected, 1e-6);
    });
  }

  it('are known as people write them, where that cannot be mistaken', () => {
    const same = [
      ...(['kwh', 'KWH', 'KWh', 'kWH', '度', '千瓦时'] as const).map((text) => [text, 'kWh'] as const),
      ...(['kw', 'KW', '千瓦'] as const).map((text) => [text, 'kW'] as const),
      ...([
        ['℃', '°C'],
        ['%RH', '%'],
        ['吨', 't'],
        ['μg/m3', 'µg/m³'],
        ['µg/m3', 'µg/m³'],
        ['ug/m³', 'µg/m³'],
        ['kVar', 'kvar'],
        ['kVArh', 'kvarh'],
      ] as const),
    ] as const;
    for (const [text, unit] of same) expect(conversion(text, unit), text).to.deep.equal({ factor: 1, offset: 0 });
    for (const text of ['μg/L', 'µg/l']) expect(conversion(text, 'mg/L'), text).to.deep.equal({ factor: 1e-3, offset: 0 });
    // A milliwatt or a megawatt?
    expect(conversion('mw', 'kW')).to.equal(null);
  });

  it('of different dimensions have no conversion', () => expect(conversion('kWh', 'm³')).to.equal(null));

  it('are taken as they are when they are the catalogue’s own', () => {
    for (const quantity of QUANTITIES) {
      expect(conversion(quantity.unit, quantity.unit)).to.deep.equal({ factor: 1, offset: 0 });
      expect(unitsFor(quantity.unit)[0]).to.equal(quantity.unit);
    }
  });
});
