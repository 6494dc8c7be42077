import { expect } from 'chai';
import fc from 'fast-check';
import { LatestReadings } from '../../model/latest.ts';
import { ReadingBlockBuilder } from '../../model/reading.ts';

describe('latest readings', () => {
  it('are the last measured, not the last received', () => {
    const latest = new LatestReadings();
    const series = latest.seriesOf(7, 5);
    expect(latest.offer(series, 2000, 20, 0)).to.equal(true);
    expect(latest.offer(series, 1000, 10, 0)).to.equal(false);
    expect(latest.offer(series, 2000, 99, 0)).to.equal(false);
    expect([latest.ts[series], latest.value[series]]).to.deep.equal([2000, 20]);
  });

  it('keep what they hold while they grow', () => {
    const latest = new LatestReadings();
    for (let meter = 0; meter < 5000; meter++) latest.offer(latest.seriesOf(meter, 1), 1000 + meter, meter, 0);
    expect(latest.count).to.equal(5000);
    for (const meter of [0, 1023, 1024, 4999]) {
      const series = latest.find(meter, 1) ?? -1;
      expect([latest.meter[series], latest.ts[series], latest.value[series]]).to.deep.equal([meter, 1000 + meter, meter]);
    }
  });

  it('tell the series of one meter apart from its neighbour’s', () => {
    const latest = new LatestReadings();
    const own = [latest.seriesOf(1, 5), latest.seriesOf(1, 6)];
    latest.seriesOf(2, 5);
    expect(latest.ofMeter(1)).to.deep.equal(own);
    expect(latest.find(3, 5)).to.equal(undefined);
  });

  it('give each series the position it had, in whatever order meters and quantities come', () => {
    const pair = fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 1, max: 6 }));
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 300 }), (pairs) => {
        const latest = new LatestReadings();
        const known = new Map<string, number>();
        for (const [meter, quantity] of pairs) {
          const series = latest.seriesOf(meter, quantity);
          expect(series).to.equal(known.get(`${meter}/${quantity}`) ?? known.size);
          known.set(`${meter}/${quantity}`, series);
        }
        for (const [meter, quantity] of pairs) {
          expect(latest.find(meter, quantity)).to.equal(known.get(`${meter}/${quantity}`));
          const own = [...known].filter(([key]) => key.startsWith(`${meter}/`)).map(([, series]) => series);
          expect(latest.ofMeter(meter)).to.deep.equal(own);
        }
      }),
    );
  });

  it('cost columns alone, not an object a series', () => {
    const latest = new LatestReadings();
    const before = process.memoryUsage().heapUsed;
    for (let meter = 1; meter <= 100_000; meter++) for (let quantity = 1; quantity <= 5; quantity++) latest.seriesOf(meter, quantity);
    expect(latest.count).to.equal(500_000);
    expect(process.memoryUsage().heapUsed - before).to.be.below(10e6);
  });
});

describe('a reading block', () => {
  it('is handed over whole and leaves the builder empty', () => {
    const builder = new ReadingBlockBuilder(2);
    for (let i = 0; i < 5; i++) builder.push(i, 1, 5, i * 1000, i / 2, 0);
    const block = builder.take();
    expect(block.length).to.equal(5);
    expect([...block.value]).to.deep.equal([0, 0.5, 1, 1.5, 2]);
    expect(builder.length).to.equal(0);
    builder.push(9, 1, 5, 1, 1, 0);
    expect([...block.series]).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('has room made for rows that are counted once they are written, and leaves views on the rows before alone', () => {
    const builder = new ReadingBlockBuilder(2);
    builder.push(1, 1, 5, 1000, 0.5, 0);
    const before = builder.view();
    const rows = builder.room(100);
    for (let row = 1; row <= 100; row++) {
      rows.series[row] = row + 1;
      rows.value[row] = row;
    }
    expect(builder.length).to.equal(1);
    builder.add(100);
    expect([...builder.view(99).series]).to.deep.equal([100, 101]);
    expect([...builder.view().value.slice(0, 3)]).to.deep.equal([0.5, 1, 2]);
    rows.value[0] = 7;
    expect([...before.value]).to.deep.equal([0.5]);
  });
});
