import { expect } from 'chai';
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
});
