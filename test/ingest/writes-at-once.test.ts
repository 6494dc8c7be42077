import { expect } from 'chai';
import { aRig, NOW, RecordingStore, until } from './harness.ts';

/** Takes a block when it is told to, and notes what was on its way at the same time. */
class SlowStore extends RecordingStore {
  readonly waiting: (() => void)[] = [];
  underWay = 0;
  most = 0;

  override async write(...given: Parameters<RecordingStore['write']>) {
    this.most = Math.max(this.most, ++this.underWay);
    await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.underWay--;
    return super.write(...given);
  }
}

const reading = (n: number) => ({ ts: NOW - 1000 + n, values: { active_power: n, voltage_a: n } });
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('ingest: several writes at once', () => {
  const open = (writesAtOnce: number) => {
    const store = new SlowStore();
    const rig = aRig({ store, limits: { maxBlockRows: 4, writesAtOnce } });
    const acknowledged: number[] = [];
    const send = (n: number) => void rig.send(reading(n)).then(() => acknowledged.push(n));
    return { store, send, acknowledged };
  };

  it('go out while there are full groups, and no more than the store takes', async () => {
    const { store, send, acknowledged } = open(2);
    for (let n = 0; n < 10; n++) send(n);
    await turn();
    await turn();
    expect([store.underWay, store.most]).to.deep.equal([2, 2]);
    while (acknowledged.length < 10) {
      store.waiting.shift()?.();
      await turn();
    }
    expect(store.most).to.equal(2);
    expect(store.rows.map((row) => row[3])).to.deep.equal(Array.from({ length: 20 }, (_, row) => row >> 1));
  });

  it('leave what is not full until nothing else is on its way', async () => {
    const { store, send, acknowledged } = open(2);
    send(0);
    await turn();
    await turn();
    send(1);
    await turn();
    await turn();
    expect(store.underWay).to.equal(1);
    store.waiting.shift()?.();
    await until(() => store.underWay === 1 && acknowledged.length === 1, 'the second write');
    store.waiting.shift()?.();
    await until(() => acknowledged.length === 2, 'the end');
  });

  it('acknowledge each group for itself, whichever ends first, and use its memory again only then', async () => {
    const { store, send, acknowledged } = open(2);
    for (let n = 0; n < 4; n++) send(n);
    await turn();
    await turn();
    store.waiting[1]?.();
    await until(() => acknowledged.length === 2, 'the second group');
    expect(acknowledged).to.deep.equal([2, 3]);
    for (let n = 4; n < 8; n++) send(n);
    await turn();
    for (const open of store.waiting) open();
    await until(() => {
      for (const open of store.waiting) open();
      return acknowledged.length === 8;
    }, 'everything');
    expect([...store.rows.map((row) => row[3])].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 16 }, (_, row) => row >> 1));
  });

  it('do not wait for late rows of others, which the store has to look up', async () => {
    const { store, send, acknowledged } = open(2);
    const all = () => {
      for (const open of store.waiting.splice(0)) open();
    };
    send(9);
    await until(() => store.waiting.length === 1, 'the newest');
    all();
    await until(() => acknowledged.length === 1, 'its acknowledgement');
    send(1);
    await until(() => store.waiting.length === 1, 'the late write');
    const [lookUp] = store.waiting.splice(0);
    send(10);
    await until(() => store.waiting.length === 1, 'the write beside it');
    send(11);
    await turn();
    await turn();
    expect(store.underWay, 'no more than it takes').to.equal(2);
    all();
    await until(() => store.waiting.length === 1, 'the next one');
    all();
    await until(() => acknowledged.length === 3, 'what is new');
    expect(acknowledged).to.deep.equal([9, 10, 11]);
    lookUp?.();
    await until(() => acknowledged.length === 4, 'the late one');
  });

  it('are one after the other where the store takes one at a time', async () => {
    const { store, send, acknowledged } = open(1);
    for (let n = 0; n < 10; n++) send(n);
    while (acknowledged.length < 10) {
      store.waiting.shift()?.();
      await turn();
    }
    expect(store.most).to.equal(1);
  });
});
