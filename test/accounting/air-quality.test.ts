import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { type AirItem, type AirStandard, type Averaging, airStandardAt, composite, iaqi, realTimeAir } from '../../accounting/air-quality.ts';
import type { MeterId } from '../../model/ids.ts';
import { requireRecordings } from '../real-servers.ts';

describe('the individual air quality index', () => {
  const cases: readonly { name: string; standard?: AirStandard; item: AirItem; averaging: Averaging; c: number; index: number | null }[] = [
    { name: 'is 0 for clean air', item: 'pm2_5', averaging: '24h', c: 0, index: 0 },
    { name: 'takes the table’s own points exactly', item: 'pm2_5', averaging: '24h', c: 60, index: 100 },
    { name: 'rounds up between them', item: 'pm2_5', averaging: '24h', c: 61, index: 101 },
    { name: 'rounds the concentration first, half to even', item: 'pm2_5', averaging: '24h', c: 60.5, index: 100 },
    { name: 'rounds the concentration first, half to even upwards', item: 'pm2_5', averaging: '24h', c: 61.5, index: 102 },
    { name: 'does not turn an exact whole into the next one', item: 'pm2_5', averaging: '24h', c: 48, index: 76 },
    { name: 'keeps one decimal of CO', item: 'co', averaging: '1h', c: 2.45, index: 24 },
    { name: 'reads an hour of particulates against the 24-hour column', item: 'pm10', averaging: '1h', c: 120, index: 100 },
    { name: 'stays 200 for SO₂ above 800 in an hour', item: 'so2', averaging: '1h', c: 900, index: 200 },
    { name: 'stays 300 for O₃ above 800 in eight hours', item: 'o3', averaging: '8h', c: 900, index: 300 },
    { name: 'gave none for SO₂ above 800 in an hour in the 2012 edition', standard: 'HJ 633-2012', item: 'so2', averaging: '1h', c: 900, index: null },
    { name: 'ends at 500', item: 'no2', averaging: '1h', c: 9000, index: 500 },
    { name: 'read PM₂.₅ more mildly in the 2012 edition', standard: 'HJ 633-2012', item: 'pm2_5', averaging: '24h', c: 60, index: 82 },
    { name: 'is not given for a negative concentration', item: 'o3', averaging: '1h', c: -1, index: null },
  ];
  for (const { name, standard = 'HJ 633-2026', item, averaging, c, index } of cases) it(name, () => expect(iaqi(standard, item, averaging, c)).to.equal(index));

  it('follows the standard in force when the air was measured', () => {
    expect(airStandardAt(Date.parse('2026-02-28T23:59:59+08:00'))).to.equal('HJ 633-2012');
    expect(airStandardAt(Date.parse('2026-03-01T00:00:00+08:00'))).to.equal('HJ 633-2026');
  });

  it('agrees with every row of the public table of answers', function () {
    const rows = readFileSync(`${requireRecordings(this)}aqi_cn_iaqi_vectors.csv`, 'utf8')
      .trim()
      .split('\n')
      .slice(1);
    expect(rows.length).to.be.above(100);
    for (const row of rows) {
      const [standard = '', name = '', concentration, answer] = row.split(',');
      const [item = '', averaging = ''] = name.toLowerCase().split('_');
      const ours = iaqi(standard as AirStandard, (item === 'pm25' ? 'pm2_5' : item) as AirItem, averaging as Averaging, Number(concentration));
      expect(ours, row).to.equal(answer === '' ? null : Number(answer));
    }
  });
});

describe('the air quality index', () => {
  const station = 'ambient-1' as MeterId;
  const at = Date.parse('2026-05-01T10:00:00+08:00');
  const means = (over: Partial<Record<AirItem, number>>) =>
    new Map<AirItem, number>(Object.entries({ pm2_5: 30, pm10: 40, so2: 10, no2: 30, co: 0.6, o3: 80, ...over }) as [AirItem, number][]);
  const without = (map: Map<AirItem, number>, item: AirItem) => {
    map.delete(item);
    return map;
  };

  it('is the largest of the six, named with its level and primary pollutant', () => {
    const air = realTimeAir(station, at, means({ pm2_5: 75 }));
    expect([air.aqi, air.level, air.primary]).to.deep.equal([114, 3, ['pm2_5']]);
  });

  it('names no primary pollutant up to 50', () => expect(realTimeAir(station, at, means({})).primary).to.deep.equal([]));

  it('names all that share the largest index', () => {
    expect(
      composite(
        new Map<AirItem, number>([
          ['o3', 120],
          ['pm10', 120],
          ['co', 3],
        ]),
      ).primary,
    ).to.deep.equal(['o3', 'pm10']);
  });

  it('is withheld up to 100 when one of the six is missing, and the single items stand', () => {
    const air = realTimeAir(station, at, without(means({}), 'o3'));
    expect([air.aqi, air.level, air.items.length]).to.deep.equal([null, null, 5]);
  });

  it('is given above 100 even when one is missing', () => expect(realTimeAir(station, at, without(means({ pm2_5: 120 }), 'o3')).aqi).to.be.above(100));

  it('agrees with the public composite answers', function () {
    const rows = readFileSync(`${requireRecordings(this)}aqi_cn_composite_vectors.csv`, 'utf8')
      .trim()
      .split('\n')
      .slice(1);
    for (const row of rows) {
      const cells = row.split(',');
      const hourly = cells[1] === 'hourly';
      const items = ['pm2_5', 'pm10', 'so2', 'no2', 'co', 'o3'] as const;
      const indices = new Map<AirItem, number | null>();
      for (const [n, item] of items.entries()) {
        const averaging: Averaging = hourly ? '1h' : item === 'o3' ? '8h' : '24h';
        const cell = cells[2 + n];
        if (cell !== '') indices.set(item, iaqi('HJ 633-2026', item, averaging, Number(cell)));
      }
      expect(composite(indices).aqi, row).to.equal(cells[14] === '' ? null : Number(cells[14]));
    }
  });
});
