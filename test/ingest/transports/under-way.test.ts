import { expect } from 'chai';
import { UnderWay } from '../../../ingest/transports/under-way.ts';

describe('what is under way', () => {
  it('is waited for until nothing is left', async () => {
    const underWay = new UnderWay();
    underWay.begin();
    underWay.begin();
    let isOver = false;
    const over = underWay.none(60_000).then(() => {
      isOver = true;
    });
    underWay.end();
    await Promise.resolve();
    expect([underWay.count, isOver]).to.deep.equal([1, false]);
    underWay.end();
    await over;
    expect(underWay.count).to.equal(0);
  });

  it('is not waited for where there is nothing, nor for ever', async () => {
    const underWay = new UnderWay();
    await underWay.none(60_000);
    underWay.begin();
    await underWay.none(1);
    expect(underWay.count).to.equal(1);
  });
});
